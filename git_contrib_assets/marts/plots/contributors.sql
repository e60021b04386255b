-- one row per month of the last two years: contributors whose first commit in any repository fell in it
-- key: date
-- reads: marts.contributors
select
    date_trunc('month', first_commit_at)::date as date,
    count(*) as plotted
from marts.contributors
where first_commit_at > $as_of::timestamp - interval 25 month
group by all
