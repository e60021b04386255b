-- one row per repository whose name looks like the one asked for, the likest first
-- key: repository
-- reads: repositories
-- at most three; a name that is far off is no help
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
