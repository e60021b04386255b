-- one row per contributor: the ten who came last
-- key: login, since
-- reads: marts.contributors
select
    login,
    identity,
    repositories,
    first_commit_at::date as since
from marts.contributors
order by first_commit_at desc, contributor_id
limit 10
