-- one row per public repository ever listed, with how its last attempt ended
-- key: repository_id
-- reads: landing.repositories, landing.histories, landing.crawl_log
-- until: the time at which its months end; fallback_at: the date of commits that have no plausible date of their own
with attempts as (
    -- in the order of the file, which is that in which they ended: a clock may have been wrong
    select
        *,
        row_number() over () as line
    from landing.crawl_log
),
numbered as (
    select
        *,
        coalesce(state = 'failed', false) as is_failed,
        row_number() over (partition by repository_id order by line desc) as attempts_ago
    from attempts
    where state <> 'not_reached'
),
last_attempts as (
    select
        repository_id,
        is_failed,
        reason
    from numbered
    where attempts_ago = 1
),
last_successes as (
    select
        repository_id,
        min(attempts_ago) as attempts_ago
    from numbered
    where not is_failed
    group by all
),
failing as (
    select
        numbered.repository_id,
        min(numbered.started_at) as since
    from numbered
    left join last_successes using (repository_id)
    where numbered.attempts_ago < coalesce(last_successes.attempts_ago, numbered.attempts_ago + 1)
    group by all
),
emptying as (
    select
        repository_id,
        min(started_at) as since
    from landing.crawl_log
    where state = 'emptied'
    group by all
)
select
    listed.repository_id,
    listed.repository,
    listed.owner_id,
    listed.owner,
    listed.owner_type,
    listed.name,
    typed.plausible(listed.created_at) as created_at,
    listed.default_branch,
    listed.is_fork,
    listed.is_archived,
    listed.stars,
    listed.language,
    case
        when listed.missing_since is not null then 'vanished'
        when last_attempts.is_failed then 'failed'
        when histories.repository_id is null then 'pending'
        when histories.is_emptied then 'emptied'
        when histories.tip is null then 'empty'
        else 'complete'
    end as state,
    case
        when listed.missing_since is not null then listed.missing_reason
        when last_attempts.is_failed then last_attempts.reason
    end as state_reason,
    case
        when listed.missing_since is not null then listed.missing_since
        when last_attempts.is_failed then failing.since
        when histories.is_emptied then emptying.since
        else histories.fetched_at
    end as state_since,
    histories.repository_id is not null as is_landed,
    histories.fetched_at as collected_at,
    histories.tip,
    coalesce(histories.commits, 0) as commits,
    listed.listed_at,
    least(typed.plausible(listed.missing_since), $as_of::timestamp) as until,
    coalesce(typed.plausible(listed.created_at), typed.plausible(listed.first_seen_at), $as_of::timestamp) as fallback_at
from landing.repositories as listed
left join landing.histories as histories using (repository_id)
left join last_attempts using (repository_id)
left join failing using (repository_id)
left join emptying using (repository_id)
-- all other tables take their repositories from here, so this line keeps private ones out of all of them (D10.3)
where not listed.is_private and listed.missing_reason is distinct from 'private'
order by listed.repository, listed.repository_id
