-- one row per owner of a repository ever listed, with the public profile and address
-- key: owner_id
-- reads: marts.catalogue_repositories, landing.owners
-- an owner who was renamed has the name of the newest listing
with counted as (
    select
        owner_id,
        arg_max(owner, listed_at) as owner,
        arg_max(owner_type, listed_at) as type,
        count(*) as repositories,
        count(*) filter (where visibility <> 'public') as private_repositories
    from marts.catalogue_repositories
    group by owner_id
)
select
    counted.owner_id,
    counted.owner,
    counted.type,
    said.name,
    said.email,
    counted.repositories,
    counted.private_repositories
from counted
left join landing.owners as said using (owner_id)
order by counted.owner, counted.owner_id
