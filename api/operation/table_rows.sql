-- one row per published table: how many rows it has
-- key: name
-- reads: all tables of the snapshot
-- a test compares the names with the contract
select 'monthly_new_contributors' as name, count(*) as number_of_rows from monthly_new_contributors
union all
select 'first_commits', count(*) from first_commits
union all
select 'contributors', count(*) from contributors
union all
select 'repositories', count(*) from repositories
union all
select 'owners', count(*) from owners
union all
select 'snapshot', count(*) from snapshot
