-- one row: first commits, and the repositories that have any
-- key: none, there is one row
-- reads: marts.first_commits
select
    count(*) as first_commits,
    count(distinct repository_id) as repositories
from marts.first_commits
