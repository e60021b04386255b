-- one row per repository of the previous snapshot that is still there, with what may have changed its old months
-- key: repository_id
-- reads: marts.first_commits, typed.repositories, typed.commits
-- if the earlier tip is no longer among the commits, history was rewritten
with tips as (
    select
        earlier.repository_id,
        bool_or(commits.sha = earlier.tip) as is_landed
    from previous.repositories as earlier
    join typed.commits as commits using (repository_id)
    where earlier.tip is not null
    group by earlier.repository_id
),
renamed as (
    select distinct earlier.repository_id
    from previous.first_commits as earlier
    anti join marts.first_commits as firsts using (repository_id, contributor_id)
)
select
    repositories.repository_id,
    case
        when snapshot.definition_version <> $definition_version then 'the definitions changed'
        when earlier.tip is not null and not coalesce(tips.is_landed, false) then 'history was rewritten'
        when renamed.repository_id is null and repositories.tip is distinct from earlier.tip then 'older commits came in'
        when renamed.repository_id is not null and repositories.tip is distinct from earlier.tip
            then 'other account links, or older commits came in'
        when renamed.repository_id is not null then 'other account links'
        else 'not known'
    end as reason
from typed.repositories as repositories
join previous.repositories as earlier using (repository_id)
cross join previous.snapshot as snapshot
left join tips using (repository_id)
left join renamed using (repository_id)
where repositories.is_landed
