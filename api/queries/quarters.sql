-- one row per repository: its new contributors per quarter, the oldest first, zeros included
-- key: repository_id
-- reads: monthly_new_contributors, snapshot
-- the last twenty quarters that end with the last whole month; a repository that is younger has fewer
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
)
select
    repository_id,
    list(newcomers order by quarters_ago desc) as newcomers,
    list(bots order by quarters_ago desc) as bots
from quarters
group by repository_id
