-- one row per repository and month: the ten largest of the last month that is over
-- key: repository, date
-- reads: marts.monthly_new_contributors
select
    repository,
    date,
    number_of_new_contributors as new,
    number_of_new_bots as bots,
    cumulative_contributors as so_far
from marts.monthly_new_contributors
where date = date_trunc('month', $as_of::timestamp) - interval 1 month
order by new desc, so_far desc, repository
limit 10
