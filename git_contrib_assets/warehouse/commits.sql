-- one row per landed repository and commit reachable from the tip of its default branch, merges included
-- key: repository_id, sha
-- reads: landing.commits
-- dated_at: by rule D4.1 of docs/definitions.md; null if neither date is plausible: fallback_at of the repository counts
select
    repository_id,
    sha,
    parent_count,
    author_name,
    author_email,
    case
        when typed.plausible(authored_at) > typed.plausible(committed_at) + interval 1 day then committed_at
        else coalesce(typed.plausible(authored_at), typed.plausible(committed_at))
    end as dated_at
from landing.commits
