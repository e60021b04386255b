-- one row per month of one repository, zeros included
-- key: date
-- reads: monthly_new_contributors
-- found by the numbers of its rows, which are stored together, so no other block is read; the caller sorts them
select
    repository,
    date,
    number_of_new_contributors,
    number_of_new_bots,
    cumulative_contributors,
    repository_id
from monthly_new_contributors
where rowid between $first_row and $last_row
    and repository_id = $repository_id
    and date between $from_month::date and $to_month::date
