-- one row per repository that can be found by name, with the place where its months are stored
-- key: repository_id
-- reads: repositories, monthly_new_contributors
-- a name that was used again means the repository that has not vanished, or else the newest; the place is null without months
with months as (
    select
        repository_id,
        min(rowid) as first_row,
        max(rowid) as last_row,
        count(*) as months,
        min(date) as first_month,
        max(date) as last_month
    from monthly_new_contributors
    group by repository_id
)
select
    repositories.repository_id,
    repositories.repository,
    repositories.name,
    repositories.state,
    repositories.state_reason,
    months.first_row,
    months.last_row,
    months.months,
    months.first_month,
    months.last_month
from repositories
left join months using (repository_id)
qualify row_number() over (
    partition by lower(repositories.repository)
    order by repositories.state = 'vanished', repositories.repository_id desc
) = 1
order by repositories.repository
