-- one row per owner of a public repository ever listed
-- key: owner_id
-- reads: typed.repositories
-- an owner who was renamed has the name of the newest listing
select
    owner_id,
    arg_max(owner, listed_at) as owner,
    arg_max(owner_type, listed_at) as type,
    count(*) as repositories
from typed.repositories
group by owner_id
order by owner, owner_id
