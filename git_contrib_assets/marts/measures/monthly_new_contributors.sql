-- one row: months and their newcomers, people, commits landed and commits counted
-- key: none, there is one row
-- reads: marts.monthly_new_contributors, marts.first_commits, typed.repositories, typed.authors
select
    (select count(*) from marts.monthly_new_contributors) as months,
    (select coalesce(sum(number_of_new_contributors), 0)::bigint from marts.monthly_new_contributors) as newcomers,
    (select count(*) from marts.first_commits) as people,
    (select coalesce(sum(commits), 0)::bigint from typed.repositories where is_landed) as commits_landed,
    (select coalesce(sum(commits), 0)::bigint from typed.authors) as commits_counted
