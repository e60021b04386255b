-- one row per repository: its new contributors per quarter, oldest first, zeros included
-- key: repository_id
-- reads: monthly_new_contributors, snapshot
-- twenty quarters up to the last complete month, even if the repository vanished earlier; a younger repository has fewer
with last_month as (
    select date_trunc('month', complete_through + 1)::date - interval 1 month as date
    from snapshot
),
quarters as (
    select
        monthly.repository_id,
        date_diff('month', monthly.date, last_month.date) // 3 as quarters_ago,
        sum(monthly.number_of_new_contributors)::bigint as newcomers,
        sum(monthly.number_of_new_bots)::bigint as bots
    from monthly_new_contributors as monthly
    cross join last_month
    where monthly.date <= last_month.date
        and monthly.date > last_month.date - interval 60 month
    group by all
),
spans as (
    select
        repository_id,
        unnest(range(max(quarters_ago) + 1)) as quarters_ago
    from quarters
    group by repository_id
)
select
    spans.repository_id,
    list(coalesce(quarters.newcomers, 0) order by spans.quarters_ago desc) as newcomers,
    list(coalesce(quarters.bots, 0) order by spans.quarters_ago desc) as bots
from spans
left join quarters using (repository_id, quarters_ago)
group by spans.repository_id
