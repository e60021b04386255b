-- one row per owner of a public repository ever listed
-- key: owner_id
-- reads: marts.public_repositories, marts.catalogue_owners
-- no address, and nothing that tells of private repositories
with counted as (
    select
        owner_id,
        arg_max(owner, listed_at) as owner,
        arg_max(owner_type, listed_at) as type,
        count(*) as repositories
    from marts.public_repositories
    group by owner_id
)
select
    counted.owner_id,
    counted.owner,
    counted.type,
    if(contains(known.name, '@'), null, known.name) as name,
    counted.repositories
from counted
left join marts.catalogue_owners as known using (owner_id)
order by counted.owner, counted.owner_id
