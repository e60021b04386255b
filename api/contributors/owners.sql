-- one row per owner of a repository ever listed
-- key: owner
-- reads: repositories
-- by current login
select distinct owner
from repositories
order by owner
