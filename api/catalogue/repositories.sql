-- one row per repository of the catalogue
-- key: id
-- reads: repositories
-- status as in repositories.csv: whatever is not public is private
select
    repository,
    owner,
    name,
    repository_id as id,
    if(visibility = 'public', 'public', 'private') as status,
    visibility,
    stars,
    language,
    is_fork as fork,
    is_archived as archived,
    state,
    state_reason,
    state_since
from repositories
where ($text::varchar is null or contains(lower(repository), lower($text::varchar)))
    and ($owner::varchar is null or lower(owner) = lower($owner::varchar))
    and ($status::varchar is null or (visibility = 'public') = ($status::varchar = 'public'))
    and ($state::varchar is null or state = $state::varchar)
