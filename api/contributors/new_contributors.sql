-- one row per repository and month, zeros included
-- key: repository_id, date
-- reads: monthly_new_contributors
-- a parameter that is null does not filter
select
    repository,
    date,
    number_of_new_contributors,
    number_of_new_bots,
    cumulative_contributors,
    repository_id
from monthly_new_contributors
where ($repository_ids::bigint[] is null or list_contains($repository_ids::bigint[], repository_id))
    and ($from_month::date is null or date >= $from_month::date)
    and ($to_month::date is null or date <= $to_month::date)
    and number_of_new_contributors >= $minimum::bigint
