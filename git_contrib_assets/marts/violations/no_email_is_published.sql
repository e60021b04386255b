-- texts about people that look like an e-mail address; must return no row
-- reads: marts.contributors, marts.first_commits
with texts as (
    select unnest([contributor_id, login, name]) as written from marts.contributors
    union all
    select unnest([contributor_id, login]) as written from marts.first_commits
)
select 1 as hit
from texts
where contains(written, '@')
