-- one row per state that a repository is in
-- key: state
-- reads: repositories
-- states in which no repository is have no row
select
    state,
    count(*) as repositories
from repositories
group by state
order by state
