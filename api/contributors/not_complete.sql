-- one row per repository whose newest commits are not all counted
-- key: repository_id
-- reads: repositories
-- an empty repository is whole: there is nothing to count
select
    repository,
    state,
    state_reason as reason,
    state_since as since,
    collected_at
from repositories
where state not in ('complete', 'empty')
order by repository, repository_id
