-- one row per month of one repository, zeros included
-- key: date
-- reads: monthly_new_contributors
-- filtered by name as well: rows are stored in the order of names, so that other blocks are never read
select
    repository,
    date,
    number_of_new_contributors,
    number_of_new_bots,
    cumulative_contributors
from monthly_new_contributors
where repository = $repository
    and repository_id = $repository_id::bigint
    and ($from_month::date is null or date >= $from_month::date)
    and ($to_month::date is null or date <= $to_month::date)
order by date
