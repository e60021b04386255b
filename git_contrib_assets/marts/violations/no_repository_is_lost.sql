-- repositories of the current snapshot (attached as previous) that the table no longer has; must return no row
-- reads: marts.catalogue_repositories, previous.repositories
select
    repository_id,
    repository
from previous.repositories
anti join marts.catalogue_repositories using (repository_id)
