-- one row per repository and contributor: the contributor's first commit there
-- key: repository_id, contributor_id
-- reads: typed.authors, typed.repositories, marts.contributors
-- the earliest time, then the smallest sha; a time in the future counts in the current month
with firsts as (
    select
        repository_id,
        contributor_id,
        min(first_commit_at) as first_commit_at,
        arg_min(first_commit_sha, (first_commit_at, first_commit_sha)) as first_commit_sha
    from typed.authors
    group by all
)
select
    firsts.repository_id,
    repositories.repository,
    firsts.contributor_id,
    contributors.login,
    contributors.is_bot,
    firsts.first_commit_at,
    firsts.first_commit_sha,
    date_trunc('month', least(firsts.first_commit_at, repositories.until))::date as date
from firsts
join typed.repositories as repositories using (repository_id)
join marts.contributors as contributors using (contributor_id)
order by repositories.repository, firsts.first_commit_at, firsts.first_commit_sha, firsts.contributor_id
