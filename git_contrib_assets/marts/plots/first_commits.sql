-- one row per month of the last two years: first commits in any repository, forks included
-- key: date
-- reads: marts.first_commits
select
    date,
    count(*) as plotted
from marts.first_commits
where date > $as_of::timestamp - interval 25 month
group by date
