-- months that were over in the previous snapshot and have another number now; must return no row
-- reads: marts.monthly_new_contributors, typed.repositories
select
    months_before.repository_id,
    coalesce(months.repository, months_before.repository) as repository,
    months_before.date,
    months_before.number_of_new_contributors as before,
    months.number_of_new_contributors as after
from previous.monthly_new_contributors as months_before
cross join previous.snapshot as snapshot
-- leaves out repositories that are private now: the result is kept in the history of the checks
semi join typed.repositories as public_repositories on public_repositories.repository_id = months_before.repository_id
-- months of a repository that was not there before are new, not changed
left join marts.monthly_new_contributors as months
    on months.repository_id = months_before.repository_id and months.date = months_before.date
where months_before.date <= snapshot.complete_through
    and months_before.number_of_new_contributors is distinct from months.number_of_new_contributors
order by repository, months_before.date
