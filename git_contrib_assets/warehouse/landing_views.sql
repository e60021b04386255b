-- The landing files as views, so that every other query names tables only and can be pasted into a DuckDB shell.
-- {folder} is the landing folder; nothing of it is copied into the warehouse.
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
    columns = {{
        run_id: 'varchar',
        repository_id: 'bigint',
        repository: 'varchar',
        state: 'varchar',
        started_at: 'timestamp',
        seconds: 'double',
        source: 'varchar',
        tip: 'varchar',
        commits: 'bigint',
        requests: 'bigint',
        reason: 'varchar',
        message: 'varchar'
    }}
)
where repository_id is not null;  -- a line that a kill cut short reads as nulls

-- Addresses and names are compared trimmed and lower-cased (docs/definitions.md); the characters are those of
-- WHITESPACE in storage/landing_zone.py.
create or replace macro typed.normalised(written) as lower(
    trim(written, chr(9) || chr(10) || chr(11) || chr(12) || chr(13) || chr(28) || chr(29) || chr(30) || chr(31) || ' ' || chr(133) || chr(160))
);
