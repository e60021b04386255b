-- one row per repository that the name can mean: its full name, or its short name, in any case
-- key: repository_id
-- reads: repositories
-- a name that was taken again after a repository vanished means the living one, else the newest
select
    repository_id,
    repository,
    state,
    state_reason
from repositories
where lower(repository) = lower($name)
    or lower(name) = lower($name)
qualify row_number() over (
    partition by lower(repository)
    order by state = 'vanished', repository_id desc
) = 1
order by repository
