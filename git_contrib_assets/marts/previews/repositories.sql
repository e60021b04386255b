-- one row per repository: the ten with the newest commits
-- key: repository
-- reads: marts.repositories
select
    repository,
    state,
    commits,
    contributors,
    last_commit_at::date as newest
from marts.repositories
order by last_commit_at desc nulls last, repository
limit 10
