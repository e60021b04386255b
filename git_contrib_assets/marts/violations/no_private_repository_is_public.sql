-- repositories in a public table that were not public when they were seen last; must return no row
-- reads: marts.public_repositories, landing.private_repositories, landing.repositories
select public.repository_id
from marts.public_repositories as public
left join landing.repositories as listed using (repository_id)
where listed.repository_id is null
    or listed.is_private
    or listed.missing_reason = 'private'
    or (
        listed.missing_since is not null
        and public.repository_id in (select repository_id from landing.private_repositories)
    )
