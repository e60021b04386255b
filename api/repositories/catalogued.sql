-- one row per repository of the catalogue, as contributors/repositories.sql shows one
-- key: id
-- reads: repositories
-- none was ever read: it is pending, or vanished before; one that is not public never will be
with listed as (
    select
        repository,
        owner,
        name,
        repository_id as id,
        created_at::date as created,
        is_archived as archived,
        is_fork as fork,
        stars,
        language,
        default_branch,
        null::date as first_commit_month,
        null::date as last_commit_month,
        null::bigint as commits,
        null::bigint as new_contributors,
        null::bigint as new_bots,
        0::bigint as new_contributors_12m,
        0::bigint as new_bots_12m,
        case
            when visibility <> 'public' then 'private'
            when state = 'gone' then 'vanished'
            else 'pending'
        end as state,
        state_reason,
        state_since,
        null::timestamp as collected_at,
        null::varchar as tip,
        visibility
    from repositories
)
select *
from listed
where ($repository::varchar is null or lower(repository) = lower($repository::varchar))
    and ($text::varchar is null or contains(lower(repository), lower($text::varchar)))
    and ($owners::varchar[] is null or list_contains($owners::varchar[], lower(owner)))
    and ($states::varchar[] is null or list_contains($states::varchar[], state))
    and ($visibilities::varchar[] is null or list_contains($visibilities::varchar[], visibility))
    and ($archived::boolean is null or archived = $archived::boolean)
