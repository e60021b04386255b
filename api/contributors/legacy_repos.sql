-- one row per repository and month with at least one new contributor
-- key: repository_id, month
-- reads: monthly_new_contributors, repositories
-- several owners may use the same short name, so the owner is there to sort by
select
    monthly.date as month,
    monthly.number_of_new_contributors,
    repositories.name as repo_name,
    repositories.owner,
    repositories.repository_id
from monthly_new_contributors as monthly
inner join repositories using (repository_id)
where monthly.number_of_new_contributors > 0
