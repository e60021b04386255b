-- one row per contributor, over all repositories
-- key: contributor_id
-- reads: typed.authors
-- login and name: those of the newest commit that has one
select
    contributor_id,
    coalesce(
        arg_max(login, (last_commit_at, login)) filter (where is_login_current),
        arg_max(login, (last_commit_at, login)) filter (where login is not null)
    ) as login,
    arg_max(author_name, (last_commit_at, author_name)) filter (where author_name is not null) as name,
    -- one commit is enough, but a name on the list counts for an account only if most of its commits bear one
    bool_or(is_bot or (has_bot_name and identity in ('email', 'name')))
    or coalesce(sum(commits) filter (where has_bot_name), 0) > sum(commits) / 2 as is_bot,
    any_value(identity) as identity,
    count(distinct repository_id) as repositories,
    min(first_commit_at) as first_commit_at
from typed.authors
group by contributor_id
order by first_commit_at, contributor_id
