-- one row per repository of $repositories and contributor with an account: commits, merges left out as GitHub does
-- key: repository, contributor_id
-- reads: typed.commits, typed.authors, typed.repositories
with written as (
    select
        commits.repository_id,
        repositories.repository,
        typed.normalised(commits.author_email) as email,
        count(*) as commits
    from typed.commits as commits
    join typed.repositories as repositories using (repository_id)
    where list_contains($repositories, repositories.repository) and repositories.state <> 'vanished'
        and commits.parent_count < 2
    group by all
),
people as (
    select
        repository_id,
        address_id,
        any_value(contributor_id) as contributor_id
    from typed.authors
    where identity in ('account', 'bot')
    group by all
)
select
    written.repository,
    people.contributor_id,
    sum(written.commits)::bigint as commits
from written
-- as in warehouse/authors.sql: an address goes by its keyed hash
join people
    on people.repository_id = written.repository_id
    and people.address_id = typed.opaque($key, 'address:' || written.email)
group by all
