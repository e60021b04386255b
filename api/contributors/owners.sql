-- one row per owner of a repository ever listed
-- key: owner
-- reads: repositories
-- by the login as it is now
select distinct owner
from repositories
order by owner
