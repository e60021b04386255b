-- one row per owner, those with the most repositories first
-- key: owner
-- reads: owners
-- at most as many as are asked for
select distinct
    owner,
    repositories
from owners
order by repositories desc, owner
limit $most
