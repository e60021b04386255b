-- bots, if they are more than 20 percent of the contributors; must return no row
-- reads: marts.contributors
select
    count(*) filter (where is_bot) as bots,
    count(*) as contributors
from marts.contributors
having count(*) >= 20 and count(*) filter (where is_bot) > 0.2 * count(*)
