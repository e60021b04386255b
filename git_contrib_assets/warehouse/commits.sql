-- one row per public repository and commit reachable from the tip of its default branch, merges included
-- key: repository_id, sha
-- reads: landing.commits, typed.repositories
-- dated_at follows D4.1 of docs/definitions.md
select
    repository_id,
    commits.sha,
    commits.parent_count,
    -- the sources cut names and addresses, but older landing files hold them whole
    left(commits.author_name, 256) as author_name,
    left(commits.author_email, 256) as author_email,
    case
        when typed.plausible(commits.authored_at) > typed.plausible(commits.committed_at) + interval 1 day
            then commits.committed_at
        else coalesce(
            typed.plausible(commits.authored_at), typed.plausible(commits.committed_at), repositories.fallback_at
        )
    end as dated_at
from landing.commits as commits
join typed.repositories as repositories using (repository_id)
