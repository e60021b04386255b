-- one row: the snapshot itself
-- key: snapshot_id
-- reads: snapshot
-- what every answer says about the data it was made from; a publication that counts nothing has fewer columns
select *
from snapshot
