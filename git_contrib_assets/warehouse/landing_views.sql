-- The landing files as views, so that every other query names tables only and can be pasted into a DuckDB shell.
-- Nothing of the landing folder is copied into the warehouse.
create or replace view landing.repositories as
select * from read_parquet('{folder}/repositories.parquet');

create or replace view landing.commits as
select * from read_parquet('{folder}/commits/*.parquet');

create or replace view landing.accounts as
select * from read_parquet('{folder}/accounts/*.parquet');

create or replace view landing.histories as
select
    (footer ->> 'repository_id')::bigint as repository_id,
    footer ->> 'tip' as tip,
    (footer ->> 'commits')::bigint as commits,
    (footer ->> 'fetched_at')::timestamp as fetched_at,
    (footer ->> 'emptied')::boolean as is_emptied
from (
    select decode(value)::json as footer
    from parquet_kv_metadata('{folder}/commits/*.parquet')
    where decode(key) = 'git_contrib'
);

create or replace view landing.crawl_log as
select *
from read_json(
    '{folder}/crawl_log.ndjson',
    format = 'newline_delimited',
    ignore_errors = true,
    columns = {crawl_log_columns}
)
where repository_id is not null;  -- a line that a kill cut short reads as nulls
