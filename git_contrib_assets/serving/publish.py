"""Publishing: the tables of the contract, in an immutable file under a new name, then the link switched."""

import contextlib
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import orjson

from git_contrib_assets.serving.contract import CHECKED_FILE, CONTRACT_VERSION, CURRENT_LINK, SNAPSHOT, TABLES
from git_contrib_assets.storage.files import replacing, storage_errors, sweep
from git_contrib_assets.storage.home import Home
from git_contrib_assets.storage.warehouse import read_select
from git_contrib_assets.tables import DEFINITION_VERSION, Table

KEEP = 3
_SOURCES = {"owners": "typed.owners"}


@dataclass(frozen=True)
class Published:
    """The current snapshot after publishing; ``changed`` is false where it already held these tables."""

    snapshot_id: str
    changed: bool
    rows: dict[str, int]
    identity: str
    emails_not_asked: int


def publish(connection: duckdb.DuckDBPyConnection, home: Home, *, as_of: datetime) -> Published:
    """Publish the warehouse's tables if they differ from the current snapshot's; else only record that they were looked at.

    The caller holds the warehouse lock. Raises StorageFull or HomeNotWritable.
    """
    fingerprint = _fingerprint(connection)
    (snapshot_id, old_fingerprint) = current_snapshot(home)
    changed = old_fingerprint != fingerprint or snapshot_id is None
    if changed or snapshot_id is None:
        snapshot_id = f"{as_of:%Y%m%dT%H%M%SZ}-{fingerprint[:8]}"
    values = {
        "snapshot_id": snapshot_id,
        "as_of": as_of,
        "definition_version": DEFINITION_VERSION,
        "contract_version": CONTRACT_VERSION,
        "fingerprint": fingerprint,
    }
    row = dict(
        zip(
            SNAPSHOT.column_names,
            connection.execute(read_select("serving", "snapshot"), values).fetchall()[0],
            strict=True,
        )
    )
    with storage_errors(home.published):
        sweep(home.published)
        if changed:
            _write(connection, home, snapshot_id, values)
            _switch(home, snapshot_id)
            _prune(home, snapshot_id)
        _record_check(home, snapshot_id, row)
    counts = {table.name: _count(connection, table) for table in TABLES if table is not SNAPSHOT}
    return Published(snapshot_id, changed, counts, row["identity"], row["emails_not_asked"])


def current_snapshot(home: Home) -> tuple[str | None, str | None]:
    """Id and fingerprint of the current snapshot; None where there is none that can be read."""
    path = current_file(home)
    if path is None:
        return None, None
    try:
        with contextlib.closing(duckdb.connect(str(path), read_only=True)) as connection:
            rows = connection.execute("select snapshot_id, fingerprint from snapshot").fetchall()
    except duckdb.Error:
        return None, None
    return rows[0] if rows else (None, None)


def current_file(home: Home) -> Path | None:
    """The file of the current snapshot, or None."""
    link = home.published / CURRENT_LINK
    return link.resolve() if link.exists() else None


def _source(table: Table) -> str:
    return _SOURCES.get(table.name, f"marts.{table.name}")


def _select(table: Table) -> str:
    """The published columns, with the types of the contract."""
    columns = ", ".join(f'"{column.name}"::{column.type} as "{column.name}"' for column in table.columns)
    return f"select {columns} from {_source(table)}"  # noqa: S608 - names of the contract only


def _count(connection: duckdb.DuckDBPyConnection, table: Table) -> int:
    return int(connection.execute(f"select count(*) from {_source(table)}").fetchall()[0][0])  # noqa: S608


def _fingerprint(connection: duckdb.DuckDBPyConnection) -> str:
    """A hash over all published rows and over how far accounts were asked, whatever their order."""
    parts = [f"{CONTRACT_VERSION}.{DEFINITION_VERSION}"]
    for table in TABLES:
        if table is not SNAPSHOT:
            query = (
                f"select count(*), bit_xor(hash(t)), sum(hash(t)::hugeint % 1000000007) from ({_select(table)}) as t"  # noqa: S608
            )
            parts.append(f"{table.name}:{connection.execute(query).fetchall()[0]}")
    asked = (
        "select count(distinct address_id) filter (where is_askable and asked_at is null), count(*) from typed.authors"
    )
    parts.append(str(connection.execute(asked).fetchall()[0]))
    return str(connection.execute("select md5($text)", {"text": "|".join(parts)}).fetchall()[0][0])


def _write(connection: duckdb.DuckDBPyConnection, home: Home, snapshot_id: str, values: dict[str, Any]) -> None:
    """Write the file whole before it has its name. Sorted as the contract says, so that a repository's rows lie together."""
    path = home.published / f"{snapshot_id}.duckdb"
    with replacing(path) as temporary:
        temporary.unlink(missing_ok=True)
        escaped = str(temporary).replace("'", "''")
        connection.execute(f"attach '{escaped}' as snapshot_file")
        try:
            for table in TABLES:
                if table is SNAPSHOT:
                    connection.execute(
                        f"create table snapshot_file.{table.name} as {read_select('serving', 'snapshot')}", values
                    )
                else:
                    order = ", ".join(table.order)
                    connection.execute(f"create table snapshot_file.{table.name} as {_select(table)} order by {order}")
                connection.execute(f"comment on table snapshot_file.{table.name} is '{_quoted(table.grain)}'")
                for column in table.columns:
                    comment = (
                        f"comment on column snapshot_file.{table.name}.{column.name} is '{_quoted(column.description)}'"
                    )
                    connection.execute(comment)
        finally:
            connection.execute("detach snapshot_file")
        temporary.chmod(0o644)


def _quoted(text: str) -> str:
    return text.replace("'", "''")


def _switch(home: Home, snapshot_id: str) -> None:
    """Point the link to the new file: readers see the old one or the new one, never nothing."""
    link = home.published / CURRENT_LINK
    new = link.with_name(f"{CURRENT_LINK}.{os.getpid()}.tmp")
    new.unlink(missing_ok=True)
    new.symlink_to(f"{snapshot_id}.duckdb")
    new.replace(link)


def _prune(home: Home, current: str) -> None:
    """Keep the newest snapshots; whoever has an old one open keeps reading it."""
    snapshots = sorted((path for path in home.published.glob("*.duckdb") if not path.is_symlink()), reverse=True)
    others = [path for path in snapshots if path.stem != current]
    for path in others[KEEP - 1 :]:
        path.unlink(missing_ok=True)


def _record_check(home: Home, snapshot_id: str, row: dict[str, Any]) -> None:
    checked = {
        "snapshot_id": snapshot_id,
        "checked_at": f"{row['checked_at']:%Y-%m-%dT%H:%M:%SZ}",
        "as_of": f"{row['as_of']:%Y-%m-%dT%H:%M:%SZ}",
    }
    with replacing(home.published / CHECKED_FILE) as temporary:
        temporary.write_bytes(orjson.dumps(checked))
