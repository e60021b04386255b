-- one row per repository and month, from the earlier of its creation and its first commit to now, zeros included
-- key: repository_id, date
-- reads: marts.first_commits, typed.repositories
-- a repository that was never read has no rows; one that vanished ends with the month in which it was last listed
with counted as (
    select
        repository_id,
        date,
        count(*) as number_of_new_contributors,
        count(*) filter (where is_bot) as number_of_new_bots
    from marts.first_commits
    group by all
),
earliest as (
    select
        repository_id,
        min(date) as date
    from counted
    group by all
),
spans as (
    select
        repositories.repository_id,
        repositories.repository,
        repositories.is_fork,
        date_trunc('month', repositories.until) as last_month,
        least(date_trunc('month', repositories.created_at), earliest.date, last_month) as first_month
    from typed.repositories as repositories
    left join earliest using (repository_id)
    where repositories.is_landed
),
months as (
    select
        repository_id,
        repository,
        is_fork,
        unnest(generate_series(first_month::timestamp, last_month::timestamp, interval 1 month))::date as date
    from spans
)
select
    months.repository_id,
    months.repository,
    months.date,
    coalesce(counted.number_of_new_contributors, 0) as number_of_new_contributors,
    coalesce(counted.number_of_new_bots, 0) as number_of_new_bots,
    sum(coalesce(counted.number_of_new_contributors, 0)) over (partition by months.repository_id order by months.date)::bigint
        as cumulative_contributors,
    months.is_fork
from months
left join counted using (repository_id, date)
order by months.repository, months.date, months.repository_id
