-- one row per repository and contributor whose first commit there counts in the requested months
-- key: repository_id, contributor_id
-- reads: first_commits, contributors, repositories
-- first in the organisation: of a contributor's first commits in one owner's repositories the earliest, by time, sha, and forks last
with chosen as (
    select
        firsts.repository_id,
        firsts.repository,
        repositories.owner_id,
        firsts.contributor_id,
        firsts.first_commit_at,
        firsts.first_commit_sha
    from first_commits as firsts
    inner join repositories using (repository_id)
    where firsts.date between $from_month::date and $to_month::date
        and ($bots::boolean is null or firsts.is_bot = $bots::boolean)
        and case
            when $repository_ids::bigint[] is null then $forks::boolean or not repositories.is_fork
            else list_contains($repository_ids::bigint[], firsts.repository_id)
        end
),
earliest as (
    select
        repositories.owner_id,
        firsts.contributor_id,
        arg_min(
            firsts.repository_id,
            (firsts.first_commit_at, firsts.first_commit_sha, repositories.is_fork, firsts.repository_id)
        ) as repository_id
    from first_commits as firsts
    inner join repositories using (repository_id)
    where firsts.contributor_id in (select chosen.contributor_id from chosen)
    group by repositories.owner_id, firsts.contributor_id
)
select
    chosen.repository,
    coalesce(contributors.login, contributors.name) as contributor,
    contributors.login,
    contributors.name,
    contributors.contributor_id,
    contributors.is_bot,
    chosen.first_commit_at,
    chosen.first_commit_sha,
    $server::varchar || '/' || chosen.repository || '/commit/' || chosen.first_commit_sha as first_commit_url,
    contributors.identity,
    earliest.repository_id = chosen.repository_id as first_in_organisation,
    chosen.repository_id
from chosen
inner join contributors using (contributor_id)
inner join earliest using (owner_id, contributor_id)
where $first_in::varchar = 'repository' or earliest.repository_id = chosen.repository_id
