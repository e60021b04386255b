-- one row per repository that is listed, with its owner
-- key: "Repo ID"
-- reads: repositories, owners
-- the columns, their names and their order were given by those who asked for this file; email: only private snapshots hold it
select
    owners.owner_id as "Owner ID",
    owners.owner as "Owner Name",
    {email} as "Owner Email",
    repositories.repository_id as "Repo ID",
    repositories.name as "Repo Name",
    if(repositories.visibility = 'public', 'Public', 'Private') as "Status",
    repositories.stars as "Stars Count"
from repositories
inner join owners using (owner_id)
where repositories.state = 'listed'
order by owners.owner, repositories.name, repositories.repository_id
