-- repositories with landed commits that are not counted for any author; must return no row
-- reads: typed.repositories, typed.authors
with counted as (
    select
        repository_id,
        sum(commits) as commits
    from typed.authors
    group by repository_id
)
select
    repositories.repository,
    repositories.commits as landed,
    counted.commits
from typed.repositories as repositories
left join counted using (repository_id)
where repositories.is_landed and repositories.commits <> coalesce(counted.commits, 0)
