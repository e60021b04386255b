-- one row per repository with a similar name, the most similar first
-- key: repository
-- reads: repositories
-- at most three; names that are too different are left out
with likeness as (
    select
        repository,
        greatest(
            jaro_winkler_similarity(lower(repository), lower($name)),
            jaro_winkler_similarity(lower(name), lower($name))
        ) as likeness
    from repositories
)
select distinct
    repository,
    likeness
from likeness
where likeness >= 0.8
order by likeness desc, repository
limit 3
