-- one row: contributors, how many of them have no account or are bots, and how old GitHub's answers are
-- key: none, there is one row
-- reads: marts.contributors, typed.authors
with people as (
    select
        count(*) as contributors,
        count(*) filter (where identity in ('email', 'name')) as unlinked,
        count(*) filter (where is_bot) as bots
    from marts.contributors
),
addresses as (
    select
        count(distinct address_id) as emails,
        count(distinct address_id) filter (where asked_at is not null) as emails_asked,
        coalesce(date_diff('day', min(asked_at), $as_of::timestamp), 0) as oldest_answer_in_days
    from typed.authors
    where is_askable
)
select
    *,
    round(100.0 * unlinked / greatest(contributors, 1), 1)::double as unlinked_percent,
    round(100.0 * bots / greatest(contributors, 1), 1)::double as bots_percent
from people, addresses
