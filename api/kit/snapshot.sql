-- one row: the snapshot itself
-- key: snapshot_id
-- reads: snapshot
-- what every answer says about the data it was made from
select
    snapshot_id,
    built_at,
    checked_at,
    as_of,
    complete_through,
    identity,
    emails,
    emails_not_asked,
    definition_version,
    contract_version
from snapshot
