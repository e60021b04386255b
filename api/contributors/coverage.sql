-- one row per state that a repository is in
-- key: state
-- reads: repositories
-- a state that no repository is in has no row
select
    state,
    count(*) as repositories
from repositories
group by state
order by state
