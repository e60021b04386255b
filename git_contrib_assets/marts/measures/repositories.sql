-- one row: repositories, and how many of them are complete
-- key: none, there is one row
-- reads: marts.repositories
select
    count(*) as repositories,
    count(*) filter (where state = 'complete') as complete
from marts.repositories
