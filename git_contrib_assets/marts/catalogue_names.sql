-- one row per repository and name, owner or visibility that it had for a while
-- key: repository_id, first_day, repository, visibility
-- reads: landing.repository_names
select
    repository_id,
    repository,
    owner_id,
    owner,
    visibility,
    first_day,
    last_day
from landing.repository_names
order by repository_id, first_day, repository
