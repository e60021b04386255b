-- repositories in which the sum over all months is not the number of contributors; must return no row
-- reads: marts.monthly_new_contributors, marts.first_commits
with months as (
    select
        repository_id,
        sum(number_of_new_contributors) as newcomers,
        max(cumulative_contributors) as running_total,
        bool_or(number_of_new_bots > number_of_new_contributors) as has_more_bots
    from marts.monthly_new_contributors
    group by repository_id
),
people as (
    select
        repository_id,
        count(*) as people
    from marts.first_commits
    group by repository_id
)
select
    coalesce(months.repository_id, people.repository_id) as repository_id,
    months.newcomers,
    people.people
from months
full join people using (repository_id)
where coalesce(months.newcomers, 0) <> coalesce(people.people, 0)
    or coalesce(months.running_total, 0) <> coalesce(people.people, 0)
    or months.has_more_bots
