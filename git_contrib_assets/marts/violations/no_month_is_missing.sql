-- repositories whose months have a gap, begin too late or end in the wrong month; must return no row
-- reads: marts.monthly_new_contributors, typed.repositories
with spans as (
    select
        repository_id,
        min(date) as first_month,
        max(date) as last_month,
        count(*) as months
    from marts.monthly_new_contributors
    group by repository_id
)
select
    repositories.repository,
    coalesce(spans.months, 0) as months
from typed.repositories as repositories
left join spans using (repository_id)
where repositories.is_landed
    and (
        spans.months is null
        or spans.months <> date_diff('month', spans.first_month, spans.last_month) + 1
        or spans.last_month <> date_trunc('month', repositories.until)::date
        or spans.first_month > date_trunc('month', least(repositories.created_at, repositories.until))::date
    )
