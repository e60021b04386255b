-- one row per owner of a repository ever listed, with the address
-- key: id
-- reads: owners
-- of the private publication only: the public one has no such columns
select
    owner,
    owner_id as id,
    type,
    name,
    repositories,
    private_repositories,
    email
from owners
where ($text::varchar is null or contains(lower(owner), lower($text::varchar)))
    and ($type::varchar is null or type = $type::varchar)
