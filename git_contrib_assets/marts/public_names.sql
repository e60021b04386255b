-- one row per public repository and name or owner that it had while it was public
-- key: repository_id, first_day, repository
-- reads: marts.catalogue_names, marts.public_repositories
-- what it was called while it was private stays private
select
    names.repository_id,
    names.repository,
    names.owner_id,
    names.owner,
    names.first_day,
    names.last_day
from marts.catalogue_names as names
semi join marts.public_repositories using (repository_id)
where names.visibility = 'public'
order by names.repository_id, names.first_day, names.repository
