-- one row: the snapshot itself
-- key: snapshot_id
-- reads: typed.authors, typed.repositories
-- an address that GitHub was asked about, or never has to be asked about (blank, a bot's own), is not missing
with addresses as (
    select
        address_id,
        bool_or(is_askable) as is_askable,
        max(asked_at) as asked_at
    from typed.authors
    group by address_id
),
coverage as (
    select
        count(*) filter (where is_askable) as emails,
        count(*) filter (where is_askable and asked_at is null) as emails_not_asked
    from addresses
),
seen as (
    select coalesce(min(listed_at) filter (where state <> 'vanished'), max(listed_at), $as_of::timestamp) as as_of
    from typed.repositories
)
select
    $snapshot_id::varchar as snapshot_id,
    $as_of::timestamp as built_at,
    $as_of::timestamp as checked_at,
    seen.as_of,
    (date_trunc('month', seen.as_of) - interval 1 day)::date as complete_through,
    case
        when coverage.emails_not_asked = 0 then 'account'
        when coverage.emails_not_asked = coverage.emails then 'email'
        else 'partial'
    end as identity,
    coverage.emails,
    coverage.emails_not_asked,
    $definition_version::integer as definition_version,
    $contract_version::integer as contract_version,
    $fingerprint::varchar as fingerprint
from coverage, seen
