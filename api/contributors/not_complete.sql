-- one row per repository that is not completely counted
-- key: repository_id
-- reads: repositories
-- an empty repository is complete, because there is nothing to count
select
    repository,
    state,
    state_reason as reason,
    state_since as since,
    collected_at
from repositories
where state not in ('complete', 'empty')
order by repository, repository_id
