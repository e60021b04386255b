-- one row per month of one repository, zeros included
-- key: date
-- reads: monthly_new_contributors
-- by the places of its rows, which are stored next to each other: no other block is read; whoever asks puts them in order
select
    repository,
    date,
    number_of_new_contributors,
    number_of_new_bots,
    cumulative_contributors
from monthly_new_contributors
where rowid between $first_row and $last_row
    and repository_id = $repository_id
    and date between $from_month::date and $to_month::date
