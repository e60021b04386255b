"""Whatever a table held before, it holds the rows that were loaded after merging: a property."""

from collections.abc import Callable

import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from postgresql_scene import Database

from git_contrib_assets.serving.postgresql.merging import Changes, load, merge
from git_contrib_assets.serving.postgresql.schema import SCHEMA, column_list
from git_contrib_assets.serving.postgresql.session import connected
from git_contrib_assets.tables import Column, Table

PAIRS = Table(
    name="pairs",
    grain="One row per pair",
    key=("first", "second"),
    order=(),
    columns=(
        Column("value", "VARCHAR", "What it holds"),
        Column("first", "BIGINT", "Half of the key"),
        Column("other", "BOOLEAN", "What else it holds"),
        Column("second", "VARCHAR", "Half of the key"),
    ),
)
KEYS = Table(name="keys", grain="One row per key", key=("first",), order=(), columns=(PAIRS.columns[1],))
_TEXTS = st.none() | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=3)
_ROWS = st.dictionaries(
    st.tuples(st.integers(-2, 2), st.sampled_from(["", "a", "A", "ä"])),
    st.tuples(_TEXTS, st.none() | st.booleans()),
    max_size=8,
)
Rows = dict[tuple[int, str], tuple[str | None, bool | None]]


def batches_of(rows: Rows) -> Callable[[Table], pa.RecordBatchReader]:
    """Rows in memory, where a copy reads files."""

    def batches(table: Table) -> pa.RecordBatchReader:
        kinds = {"BIGINT": pa.int64(), "VARCHAR": pa.string(), "BOOLEAN": pa.bool_()}
        schema = pa.schema([(one.name, kinds[one.type]) for one in table.columns])
        found = [
            {"first": first, "second": second, "value": value, "other": other}
            for (first, second), (value, other) in rows.items()
        ]
        if table is KEYS:
            found = list({row["first"]: row for row in found}.values())
        return pa.Table.from_pylist(found, schema=schema).to_reader(max_chunksize=2)

    return batches


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=_ROWS, after=_ROWS)
def test_after_a_merge_the_rows_are_those_that_were_loaded(database: Database, before: Rows, after: Rows) -> None:
    """And exactly those that differ are counted. Nulls differ from texts, and from nothing else."""
    tables = {"keys": KEYS, "pairs": PAIRS}
    found = {}
    with connected(database.address) as session:
        with session.transaction():
            session.run(f"drop schema if exists {SCHEMA} cascade")
            session.run(f"create schema {SCHEMA}")
            session.run(f"create table {SCHEMA}.pairs ({column_list(PAIRS)}, primary key (first, second))")
            session.run(f"create table {SCHEMA}.keys ({column_list(KEYS)}, primary key (first))")
        for rows in (before, after):
            with session.transaction():
                load(session, batches_of(rows), tables)
                found = merge(session, tables)
        with session.transaction():
            pairs = session.rows("select first, second, value, other from git_contrib.pairs")
            keys = session.rows("select first from git_contrib.keys")
    assert {(first, second): rest for first, second, *rest in pairs} == {key: list(rest) for key, rest in after.items()}
    old, new = ({first for first, _ in rows} for rows in (before, after))
    assert {first for (first,) in keys} == new
    assert found == {
        "pairs": Changes(
            inserted=len(after.keys() - before.keys()),
            updated=sum(before[key] != after[key] for key in before.keys() & after.keys()),
            deleted=len(before.keys() - after.keys()),
        ),
        "keys": Changes(len(new - old), 0, len(old - new)),
    }
