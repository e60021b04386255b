-- addresses whose newest answer is older than 30 days; must return no row
-- reads: typed.authors
select
    count(distinct address_id) as emails,
    min(asked_at) as oldest_answer
from typed.authors
where is_askable and asked_at < $as_of::timestamp - typed.oldest_answer()
having count(*) > 0
