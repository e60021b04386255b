-- one row per repository and author as written (name and address), with the contributor behind it; no address leaves here
-- key: repository_id, address_id, author_name
-- reads: typed.commits, typed.known_bots, landing.accounts
-- who it is: the first rule that fits, in docs/definitions.md; $key makes what stands for an address or a name opaque
with written as (
    select
        repository_id,
        typed.normalised(author_email) as email,
        author_name,
        count(*) as commits,
        min(dated_at) as first_commit_at,
        arg_min(sha, (dated_at, sha)) as first_commit_sha,
        max(dated_at) as last_commit_at
    from typed.commits
    group by all
),
answers as (
    select
        typed.normalised(left(email, 256)) as email,
        arg_max({'account_id': account_id, 'login': login}, asked_at) as newest,
        max(asked_at) as asked_at
    from landing.accounts
    group by all
),
parsed as (
    select
        written.*,
        typed.normalised(written.author_name) as name,
        regexp_extract(written.email, '^(?:\d+\+)?([^@]+)\[bot\]@users\.noreply\.github\.com$', 1) as bot_login,
        try_cast(regexp_extract(written.email, '^(\d+)\+[^@]+@users\.noreply\.github\.com$', 1) as bigint) as noreply_id,
        regexp_extract(written.email, '^(?:\d+\+)?([^@+]+)@users\.noreply\.github\.com$', 1) as noreply_login,
        answers.newest['account_id'] as account_id,
        answers.newest['login'] as account_login,
        answers.asked_at
    from written
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
programs as (
    select
        identified.*,
        identity = 'bot'
        or ends_with(name, '[bot]')
        or coalesce(ends_with(lower(login), '[bot]'), false)
        or exists (
            from typed.known_bots as known
            where known.kind = 'name' and known.value = regexp_replace(identified.name, '[-_ ]?\d+$', '')
        )
        or exists (
            from typed.known_bots as known
            where known.kind = 'login' and known.value = regexp_replace(lower(identified.login), '[-_ ]?\d+$', '')
        ) as is_bot
    from identified
)
select
    repository_id,
    if(identity in ('bot', 'account'), person, identity || ':' || left(sha256($key || sha256($key || person)), 32)) as contributor_id,
    identity,
    login,
    account_login is not null as is_login_current,
    if(contains(author_name, '@'), null, nullif(trim(author_name), '')) as author_name,
    is_bot,
    left(sha256($key || sha256($key || 'address:' || email)), 32) as address_id,
    email <> '' and identity <> 'bot' as is_askable,
    asked_at,
    commits,
    first_commit_at,
    first_commit_sha,
    last_commit_at
from programs
