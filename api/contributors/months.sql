-- one row per month of every repository, in the order in which the rows are stored
-- key: none; a number that does not fit into 32 bits is null
-- reads: monthly_new_contributors
select
    try_cast(date - date '1970-01-01' as integer) as day,
    try_cast(number_of_new_contributors as integer) as number_of_new_contributors,
    try_cast(number_of_new_bots as integer) as number_of_new_bots,
    try_cast(cumulative_contributors as integer) as cumulative_contributors
from monthly_new_contributors
order by rowid
