-- one row per public repository ever listed, with what was counted in it
-- key: repository_id
-- reads: typed.repositories, typed.authors, marts.first_commits
with counted as (
    select
        repository_id,
        count(*) as contributors,
        count(*) filter (where is_bot) as bots,
        min(first_commit_at) as first_commit_at
    from marts.first_commits
    group by all
),
newest as (
    select
        repository_id,
        max(last_commit_at) as last_commit_at
    from typed.authors
    group by all
)
select
    repositories.repository_id,
    repositories.repository,
    repositories.owner_id,
    repositories.owner,
    repositories.name,
    repositories.created_at,
    repositories.default_branch,
    repositories.is_fork,
    repositories.is_archived,
    repositories.stars,
    repositories.language,
    repositories.state,
    repositories.state_reason,
    repositories.state_since,
    repositories.collected_at,
    repositories.tip,
    repositories.commits,
    coalesce(counted.contributors, 0) as contributors,
    coalesce(counted.bots, 0) as bots,
    counted.first_commit_at,
    newest.last_commit_at
from typed.repositories as repositories
left join counted using (repository_id)
left join newest using (repository_id)
order by repositories.repository, repositories.repository_id
