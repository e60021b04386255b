-- one row: the snapshot itself
-- key: snapshot_id
-- reads: marts.public_repositories
-- the time is that of the public repositories, also of the private snapshot: nothing public depends on private rows
with seen as (
    select coalesce(min(listed_at) filter (where state = 'listed'), max(listed_at), $as_of::timestamp) as as_of
    from marts.public_repositories
)
select
    $snapshot_id::varchar as snapshot_id,
    $as_of::timestamp as built_at,
    $as_of::timestamp as checked_at,
    seen.as_of,
    $definition_version::integer as definition_version,
    $contract_version::integer as contract_version,
    $fingerprint::varchar as fingerprint
from seen
