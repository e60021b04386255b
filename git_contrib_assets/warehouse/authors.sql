-- one row per public repository and author as written (name and address), with the contributor behind it
-- key: repository_id, address_id, author_name, is_dated
-- reads: typed.commits, typed.repositories, typed.known_bots, landing.accounts
-- identity: the first rule that fits (D2 of docs/definitions.md); addresses and names are hashed with $key
with written as (
    select
        repository_id,
        typed.normalised(author_email) as whole_email,
        author_name as whole_name,
        dated_at is not null as is_dated,
        count(*) as commits,
        min(dated_at) as first_dated_at,
        arg_min(sha, (dated_at, sha)) as first_commit_sha,
        max(dated_at) as last_dated_at
    from typed.commits
    group by all
),
-- joined after the grouping, because that is faster; commits of repositories that are not public drop out here
dated as (
    select
        written.repository_id,
        -- the sources cut both to 256 characters, but older landing files have them in full
        substring(written.whole_email, 1, 256) as email,
        substring(written.whole_name, 1, 256) as author_name,
        written.is_dated,
        written.commits,
        coalesce(written.first_dated_at, repositories.fallback_at) as first_commit_at,
        written.first_commit_sha,
        coalesce(written.last_dated_at, repositories.fallback_at) as last_commit_at
    from written
    join typed.repositories as repositories using (repository_id)
),
landed_answers as (
    -- in the order of the files, which is that in which they landed: a clock may have been wrong
    select
        *,
        row_number() over () as landed
    from landing.accounts
),
answers as (
    select
        substring(typed.normalised(email), 1, 256) as email,
        arg_max({'account_id': account_id, 'login': login}, landed) as newest,
        arg_max(asked_at, landed) as asked_at
    from landed_answers
    group by all
),
parsed as (
    select
        dated.*,
        typed.normalised(dated.author_name) as name,
        typed.bot_login(dated.email) as bot_login,
        try_cast(regexp_extract(dated.email, '^(\d+)\+[^@]+@users\.noreply\.github\.com$', 1) as bigint) as noreply_id,
        regexp_extract(dated.email, '^(?:\d+\+)?([^@+]+)@users\.noreply\.github\.com$', 1) as noreply_login,
        answers.newest['account_id'] as account_id,
        answers.newest['login'] as account_login,
        answers.asked_at
    from dated
    left join answers using (email)
),
identified as (
    select
        *,
        case
            when bot_login <> '' then 'bot'
            when coalesce(account_id, noreply_id) is not null then 'account'
            when contains(email, '@') then 'email'
            else 'name'
        end as identity,
        case identity
            when 'bot' then 'bot:' || bot_login
            when 'account' then 'github:' || coalesce(account_id, noreply_id)
            when 'email' then 'email:' || email
            else 'name:' || name
        end as person,
        case identity
            when 'bot' then bot_login || '[bot]'
            when 'account' then coalesce(account_login, nullif(noreply_login, ''))
        end as login
    from parsed
),
judged as (
    select
        *,
        lower(coalesce(login, nullif(noreply_login, ''))) as known_as,
        name in (select value from typed.known_bots where kind = 'name')
        or regexp_replace(name, '[-_ ]?\d+$', '')
            in (select value from typed.known_bots where kind = 'name' and is_numbered) as has_bot_name,
        identity = 'bot'
        or email in (select value from typed.known_bots where kind = 'address')
        or ends_with(name, '[bot]')
        or coalesce(
            ends_with(known_as, '[bot]')
            or known_as in (select value from typed.known_bots where kind = 'login')
            or regexp_replace(known_as, '[-_ ]?\d+$', '')
                in (select value from typed.known_bots where kind = 'login' and is_numbered),
            false
        ) as is_bot
    from identified
)
select
    repository_id,
    if(identity in ('bot', 'account'), person, identity || ':' || typed.opaque($key, person)) as contributor_id,
    identity,
    login,
    account_login is not null as is_login_current,
    if(contains(author_name, '@'), null, nullif(trim(author_name), '')) as author_name,
    is_bot,
    has_bot_name,
    typed.opaque($key, 'address:' || email) as address_id,
    email <> '' and identity <> 'bot' as is_askable,
    asked_at,
    is_dated,
    commits,
    first_commit_at,
    first_commit_sha,
    last_commit_at
from judged
