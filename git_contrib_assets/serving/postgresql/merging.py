"""Merging: the rows of a table in PostgreSQL become those that were loaded beside it, by inserts, updates and deletes."""

from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa

from git_contrib_assets.serving.postgresql.schema import SCHEMA, column_list, names, qualified
from git_contrib_assets.serving.postgresql.session import Session
from git_contrib_assets.tables import Table


@dataclass(frozen=True)
class Changes:
    """How many rows of a table a copy inserted, updated and deleted."""

    inserted: int
    updated: int
    deleted: int


Batches = Callable[[Table], pa.RecordBatchReader]
"""Gives the rows of a table."""


def fill(session: Session, batches: Batches, tables: dict[str, Table]) -> dict[str, Changes]:
    """COPY all rows into tables that were just made, and have no keys yet: twice as fast as to merge them."""
    changes = {}
    for name, table in tables.items():
        changes[name] = Changes(session.load(name, batches(table), schema=SCHEMA), 0, 0)
        session.run(f"analyze {qualified(name)}")
    return changes


def load(session: Session, batches: Batches, tables: dict[str, Table]) -> int:
    """COPY all rows into temporary tables, which go with the transaction; the number of rows."""
    rows = 0
    for name, table in tables.items():
        session.run(f"create temporary table {_loaded(name, '')} ({column_list(table)}) on commit drop")
        rows += session.load(f"new_{name}", batches(table))
        session.run(f"analyze {_loaded(name)}")
    return rows


def merge(session: Session, tables: dict[str, Table]) -> dict[str, Changes]:
    """Let the tables hold the rows that were loaded. What is referred to comes first and goes last."""
    updated, inserted, deleted = {}, {}, {}
    for name, table in tables.items():
        updated[name] = session.run(update_statement(name, table)) if _others(table) else 0
        inserted[name] = session.run(insert_statement(name, table))
    for name, table in reversed(tables.items()):
        deleted[name] = session.run(delete_statement(name, table))
    return {name: Changes(inserted[name], updated[name], deleted[name]) for name in tables}


def update_statement(name: str, table: Table) -> str:
    """Updates the rows that differ, and no others."""
    assignments = ", ".join(f'"{column}" = new."{column}"' for column in _others(table))
    old, new = (", ".join(f'{row}."{column}"' for column in _others(table)) for row in ("old", "new"))
    return (
        f"update {qualified(name)} old set {assignments} from {_loaded(name)} new "  # noqa: S608 - our own names
        f"where {_same_key(table)} and ({old}) is distinct from ({new})"
    )


def insert_statement(name: str, table: Table) -> str:
    """Inserts the rows whose keys are not there."""
    columns = names(table.column_names)
    return (
        f"insert into {qualified(name)} ({columns}) select {columns} from {_loaded(name)} new "  # noqa: S608 - our own names
        f"where not exists (select from {qualified(name)} old where {_same_key(table)})"
    )


def delete_statement(name: str, table: Table) -> str:
    """Deletes the rows whose keys are gone."""
    return (
        f"delete from {qualified(name)} old "  # noqa: S608 - our own names
        f"where not exists (select from {_loaded(name)} new where {_same_key(table)})"
    )


def _loaded(name: str, schema: str = "pg_temp.") -> str:
    return f'{schema}"new_{name}"'


def _others(table: Table) -> list[str]:
    """The columns that are not of the key."""
    return [column for column in table.column_names if column not in table.key]


def _same_key(table: Table) -> str:
    return " and ".join(f'old."{column}" = new."{column}"' for column in table.key)
