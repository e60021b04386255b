-- one row per repository and contributor: the ten newest first commits
-- key: repository, login, since
-- reads: marts.first_commits
select
    repository,
    login,
    first_commit_at::date as since
from marts.first_commits
order by first_commit_at desc, first_commit_sha
limit 10
