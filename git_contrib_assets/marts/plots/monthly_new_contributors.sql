-- one row per month of the last two years: new contributors of all repositories together, forks left out
-- key: date
-- reads: marts.monthly_new_contributors
select
    date,
    sum(number_of_new_contributors)::bigint as plotted
from marts.monthly_new_contributors
where not is_fork and date > $as_of::timestamp - interval 25 month
group by date
