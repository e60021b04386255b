-- one row per contributor, over all repositories
-- key: contributor_id
-- reads: typed.authors
-- one commit that marks it as a bot is enough; login and name are those of its newest commit that has one
select
    contributor_id,
    coalesce(
        arg_max(login, (last_commit_at, login)) filter (where is_login_current),
        arg_max(login, (last_commit_at, login)) filter (where login is not null)
    ) as login,
    arg_max(author_name, (last_commit_at, author_name)) filter (where author_name is not null) as name,
    bool_or(is_bot) as is_bot,
    any_value(identity) as identity,
    count(distinct repository_id) as repositories,
    min(first_commit_at) as first_commit_at
from typed.authors
group by contributor_id
order by first_commit_at, contributor_id
