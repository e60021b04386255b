-- one row per month, quarter or year, over the chosen repositories
-- key: date
-- reads: monthly_new_contributors
-- forks count if requested or named; means and running totals include the months before $from_month
with chosen as (
    select
        repository_id,
        date,
        case
            when $bots::boolean then number_of_new_bots
            when not $bots::boolean then number_of_new_contributors - number_of_new_bots
            else number_of_new_contributors
        end as number_of_new_contributors,
        case when not $bots::boolean then 0 else number_of_new_bots end as number_of_new_bots
    from monthly_new_contributors
    where case
        when $repository_ids::bigint[] is null then $forks::boolean or not is_fork
        else list_contains($repository_ids::bigint[], repository_id)
    end
),
months as (
    select unnest(generate_series(min(date), max(date), interval 1 month))::date as date
    from chosen
),
monthly as (
    select
        months.date,
        coalesce(sum(chosen.number_of_new_contributors), 0)::bigint as number_of_new_contributors,
        coalesce(sum(chosen.number_of_new_bots), 0)::bigint as number_of_new_bots,
        count(chosen.repository_id) as repositories
    from months
    left join chosen using (date)
    group by months.date
),
running as (
    select
        date,
        number_of_new_contributors,
        number_of_new_bots,
        repositories,
        sum(number_of_new_contributors) over (order by date)::bigint as cumulative_contributors,
        case
            when count(*) over last_twelve = 12 then round(avg(number_of_new_contributors) over last_twelve, 4)
        end as mean_12_months
    from monthly
    window last_twelve as (order by date rows between 11 preceding and current row)
)
select
    date_trunc($interval, running.date)::date as date,
    sum(running.number_of_new_contributors)::bigint as number_of_new_contributors,
    sum(running.number_of_new_bots)::bigint as number_of_new_bots,
    arg_max(running.mean_12_months, running.date) as mean_12_months,
    arg_max(running.cumulative_contributors, running.date) as cumulative_contributors,
    max(running.repositories) as repositories
from running
where ($from_month::date is null or running.date >= $from_month::date)
    and ($to_month::date is null or running.date <= $to_month::date)
group by date_trunc($interval, running.date)
order by 1
