-- one row per private repository that is given, unless it is among the public ones
-- key: id
-- reads: repositories
-- the rows are those of catalogued.sql from another snapshot; which of the two snapshots is newer nobody can tell
with given as (
    select
        unnest(
            $given::struct(
                repository varchar,
                owner varchar,
                name varchar,
                id bigint,
                created date,
                archived boolean,
                fork boolean,
                stars bigint,
                language varchar,
                default_branch varchar,
                new_contributors_12m bigint,
                new_bots_12m bigint,
                state varchar,
                state_reason varchar,
                state_since timestamp,
                visibility varchar
            )[],
            recursive := true
        )
)
select *
from given
anti join repositories on given.id = repositories.repository_id
