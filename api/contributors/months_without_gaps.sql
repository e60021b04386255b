-- one row: whether each month's number of row is its place
-- key: none
-- reads: monthly_new_contributors
select count(*) = coalesce(max(rowid) + 1, 0) as without_gaps
from monthly_new_contributors
