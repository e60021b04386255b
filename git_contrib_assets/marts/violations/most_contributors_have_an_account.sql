-- contributors without an account, if they are more than 60 percent although GitHub was asked; must return no row
-- reads: marts.contributors, typed.authors
with asked as (
    select count(asked_at) / count(*) as share
    from typed.authors
    where is_askable
),
people as (
    select
        count(*) filter (where identity in ('email', 'name')) as unlinked,
        count(*) as contributors
    from marts.contributors
)
select
    people.unlinked,
    people.contributors
from people, asked
where asked.share > 0.9 and people.contributors >= 20 and people.unlinked > 0.6 * people.contributors
