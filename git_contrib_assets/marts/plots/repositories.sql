-- one row per month of the last two years: repositories created in it
-- key: date
-- reads: marts.repositories
select
    date_trunc('month', created_at)::date as date,
    count(*) as plotted
from marts.repositories
where created_at > $as_of::timestamp - interval 25 month
group by all
