-- repositories whose owner is not in the table of owners; must return no row
-- reads: marts.catalogue_repositories, marts.catalogue_owners
select
    repository_id,
    owner_id
from marts.catalogue_repositories
anti join marts.catalogue_owners using (owner_id)
