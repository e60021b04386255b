-- one row per repository ever listed, private ones included
-- key: repository_id
-- reads: landing.repositories, landing.private_repositories
-- one that is in both lists is public only if it was last seen so; landing/catalogue.py says the same
with listed as (
    select
        *,
        not is_private and missing_since is null as is_seen_public,
        false as is_of_private_list
    from landing.repositories
    union all by name
    select
        *,
        false as is_seen_public,
        true as is_of_private_list
    from landing.private_repositories
),
newest as (
    select *
    from listed
    qualify row_number() over (partition by repository_id order by is_seen_public desc, is_of_private_list desc) = 1
)
select
    repository_id,
    repository,
    owner_id,
    owner,
    name,
    case
        when not is_private and missing_reason is distinct from 'private' then 'public'
        when visibility = 'internal' then 'internal'
        else 'private'
    end as visibility,
    stars,
    is_fork,
    is_archived,
    language,
    default_branch,
    typed.plausible(created_at) as created_at,
    pushed_at,
    first_seen_at,
    if(missing_since is null, 'listed', 'gone') as state,
    if(missing_since is null, null, missing_reason) as state_reason,
    missing_since as state_since,
    owner_type,
    listed_at
from newest
order by repository, repository_id
