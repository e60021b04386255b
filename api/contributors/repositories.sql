-- one row per repository ever listed
-- key: id
-- reads: repositories, monthly_new_contributors, snapshot
-- 12m: the last twelve complete months; a commit dated in the future counts in the month the snapshot was built in
with running_month as (
    select
        date_trunc('month', complete_through + 1)::date as date,
        date_trunc('month', built_at)::date as latest
    from snapshot
),
last_year as (
    select
        monthly.repository_id,
        sum(monthly.number_of_new_contributors)::bigint as new_contributors_12m,
        sum(monthly.number_of_new_bots)::bigint as new_bots_12m
    from monthly_new_contributors as monthly
    cross join running_month
    where monthly.date < running_month.date
        and monthly.date >= running_month.date - interval 12 month
    group by monthly.repository_id
)
select
    repositories.repository,
    repositories.owner,
    repositories.name,
    repositories.repository_id as id,
    repositories.created_at::date as created,
    repositories.is_archived as archived,
    repositories.is_fork as fork,
    repositories.stars,
    repositories.language,
    repositories.default_branch,
    case
        when repositories.first_commit_at >= running_month.latest then running_month.latest
        else date_trunc('month', repositories.first_commit_at)::date
    end as first_commit_month,
    case
        when repositories.last_commit_at >= running_month.latest then running_month.latest
        else date_trunc('month', repositories.last_commit_at)::date
    end as last_commit_month,
    repositories.commits,
    repositories.contributors as new_contributors,
    repositories.bots as new_bots,
    coalesce(last_year.new_contributors_12m, 0) as new_contributors_12m,
    coalesce(last_year.new_bots_12m, 0) as new_bots_12m,
    repositories.state,
    repositories.state_reason,
    repositories.state_since,
    repositories.collected_at,
    repositories.tip,
    'public' as visibility
from repositories
cross join running_month
left join last_year using (repository_id)
where ($repository_id::bigint is null or repositories.repository_id = $repository_id::bigint)
    and ($text::varchar is null or contains(lower(repositories.repository), lower($text::varchar)))
    and ($owners::varchar[] is null or list_contains($owners::varchar[], lower(repositories.owner)))
    and ($states::varchar[] is null or list_contains($states::varchar[], repositories.state))
    and ($visibilities::varchar[] is null or list_contains($visibilities::varchar[], 'public'))
    and ($archived::boolean is null or repositories.is_archived = $archived::boolean)
