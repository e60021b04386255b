-- first commits that are not the earliest of the contributor, or of the repository; must return no row
-- reads: marts.first_commits, typed.authors, typed.commits, typed.repositories
with later as (
    select
        firsts.repository_id,
        firsts.first_commit_sha,
        'the contributor has an earlier one' as violation
    from typed.authors as authors
    join marts.first_commits as firsts using (repository_id, contributor_id)
    where authors.first_commit_at < firsts.first_commit_at
        or (authors.first_commit_at = firsts.first_commit_at and authors.first_commit_sha < firsts.first_commit_sha)
),
-- typed.commits does not say who the contributor is, so it can only check the earliest commit of the whole repository
landed as (
    select
        repository_id,
        min(coalesce(commits.dated_at, repositories.fallback_at)) as earliest
    from typed.commits as commits
    join typed.repositories as repositories using (repository_id)
    group by repository_id
),
counted as (
    select
        repository_id,
        arg_min(first_commit_sha, first_commit_at) as first_commit_sha,
        min(first_commit_at) as earliest
    from marts.first_commits
    group by repository_id
)
from later
union all
select
    repository_id,
    counted.first_commit_sha,
    'the first of all is of another time' as violation
from landed
full join counted using (repository_id)
where landed.earliest is distinct from counted.earliest
