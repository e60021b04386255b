-- one row per repository and commit reachable from the tip of its default branch, merges included
-- key: repository_id, sha
-- reads: landing.commits
-- dated_at: the author date; the committer date where that is before 1980 or more than a day after the committer date
select
    repository_id,
    sha,
    parent_count,
    author_name,
    author_email,
    case
        when authored_at < timestamp '1980-01-01' or authored_at > committed_at + interval 1 day then committed_at
        else authored_at
    end as dated_at
from landing.commits
