-- one row per owner of a public repository ever listed
-- key: id
-- reads: owners
select
    owner,
    owner_id as id,
    type,
    name,
    repositories
from owners
where ($text::varchar is null or contains(lower(owner), lower($text::varchar)))
    and ($type::varchar is null or type = $type::varchar)
