-- one row per public repository ever listed
-- key: repository_id
-- reads: marts.catalogue_repositories
select *
from marts.catalogue_repositories
where visibility = 'public'
order by repository, repository_id
