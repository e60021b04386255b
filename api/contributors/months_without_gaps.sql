-- one row: whether the numbers of the rows of months have no gaps
-- key: none
-- reads: monthly_new_contributors
select count(*) = coalesce(max(rowid) + 1, 0) as without_gaps
from monthly_new_contributors
