-- one row per column of the snapshot file
-- key: table_name, column_name
-- reads: duckdb_columns()
-- compared with the contract when a snapshot is opened
select
    table_name,
    column_name,
    data_type
from duckdb_columns()
where not internal
