"""Publishing: the tables of a publication, in an immutable file under a new name, then its link switched."""

import contextlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import orjson

from git_contrib_assets.serving.contract import CHECKED_FILE, CURRENT_LINK, Publication
from git_contrib_assets.storage.files import replacing, storage_errors, sweep
from git_contrib_assets.storage.home import Home
from git_contrib_assets.storage.warehouse import count_rows, read_select, table_name
from git_contrib_assets.tables import DEFINITION_VERSION, Table

KEEP = 3
STORAGE_VERSION = "v1.0.0"
"""Of the published files, so that DuckDB 1.1 and later can open them. A column of a newer type would shut them out."""
_CHANGES_WITH_EACH_RUN = {"snapshot_id", "built_at", "checked_at", "as_of", "complete_through", "fingerprint"}


@dataclass(frozen=True)
class Published:
    """The current snapshot after publishing; ``changed`` is false if it already held these tables.

    ``about`` is its one row about itself, by column.
    """

    snapshot_id: str
    changed: bool
    file: Path
    rows: dict[str, int]
    about: dict[str, Any]


def publish(
    connection: duckdb.DuckDBPyConnection, home: Home, publication: Publication, *, as_of: datetime
) -> Published:
    """Publish the warehouse's tables if they differ from the current snapshot's; else only record that they were checked.

    Other publications are left alone. The caller holds the warehouse lock. Raises StorageFull or HomeNotWritable.
    """
    folder = publication.folder(home.published)
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        sweep(home.published)
        sweep(folder)
        if publication.top_link:
            _adopt(home.published, folder)
    values = {
        "snapshot_id": "",
        "as_of": as_of,
        "definition_version": DEFINITION_VERSION,
        "contract_version": publication.version,
        "fingerprint": "",
    }
    values["fingerprint"] = fingerprint = _fingerprint(connection, publication, values)
    (snapshot_id, old_fingerprint) = current_snapshot(home, publication)
    changed = old_fingerprint != fingerprint or snapshot_id is None
    if changed or snapshot_id is None:
        snapshot_id = f"{as_of:%Y%m%dT%H%M%SZ}-{fingerprint[:8]}"
    values["snapshot_id"] = snapshot_id
    about = _about(connection, publication, values)
    file = folder / f"{snapshot_id}.duckdb"
    with storage_errors(folder):
        if changed:
            _write(connection, publication, file, values)
            _switch(folder / CURRENT_LINK, file.name)
            _prune(folder, snapshot_id)
        if publication.top_link:
            _switch(home.published / CURRENT_LINK, f"{folder.name}/{CURRENT_LINK}")
        _record_check(folder, snapshot_id, about)
    counts = {table.name: count_rows(connection, _source(table)) for table in publication.tables}
    return Published(snapshot_id, changed, file, counts, about)


def _adopt(published: Path, folder: Path) -> None:
    """Move the snapshots of an earlier version, which had them in ``published`` itself; whoever reads one goes on.

    Each step may be the last before a kill: the link in ``published`` leads somewhere at every moment.
    """
    old = [path for path in published.glob("*.duckdb") if not path.is_symlink()]
    link = published / CURRENT_LINK
    if not old or not link.exists():
        return
    for path in old:
        if not (folder / path.name).exists():
            os.link(path, folder / path.name)
    if not (folder / CURRENT_LINK).exists():
        _switch(folder / CURRENT_LINK, link.resolve().name)
    _switch(link, f"{folder.name}/{CURRENT_LINK}")
    for path in old:
        path.unlink()
    (published / CHECKED_FILE).unlink(missing_ok=True)


def current_snapshot(home: Home, publication: Publication) -> tuple[str | None, str | None]:
    """Id and fingerprint of the current snapshot; None if there is none that can be read."""
    path = current_file(home, publication)
    if path is None:
        return None, None
    try:
        with contextlib.closing(duckdb.connect(str(path), read_only=True)) as connection:
            rows = connection.execute("select snapshot_id, fingerprint from snapshot").fetchall()
    except duckdb.Error:
        return None, None
    return rows[0] if rows else (None, None)


def current_file(home: Home, publication: Publication) -> Path | None:
    """The file of the current snapshot, or None."""
    link = publication.reading_folder(home.published) / CURRENT_LINK
    return link.resolve() if link.exists() else None


def _source(table: Table) -> str:
    return table_name(table.layer, table.name)


def _select(table: Table) -> str:
    """The published columns, with the types of the contract."""
    columns = ", ".join(f'"{column.name}"::{column.type} as "{column.name}"' for column in table.columns)
    return f"select {columns} from {_source(table)}"  # noqa: S608 - names of the contract only


def _about(
    connection: duckdb.DuckDBPyConnection, publication: Publication, values: Mapping[str, Any]
) -> dict[str, Any]:
    """The one row of the table about the snapshot."""
    found = connection.execute(read_select("serving", publication.snapshot_select), values).fetchall()[0]
    return dict(zip(publication.snapshot.column_names, found, strict=True))


def _fingerprint(connection: duckdb.DuckDBPyConnection, publication: Publication, values: Mapping[str, Any]) -> str:
    """A hash over all published rows, whatever their order, and over what the snapshot says about itself."""
    about = _about(connection, publication, values)
    told = {name: value for name, value in about.items() if name not in _CHANGES_WITH_EACH_RUN}
    parts = [STORAGE_VERSION, str(told)]
    for table in publication.tables:
        query = f"select count(*), bit_xor(hash(t)), sum(hash(t)::hugeint % 1000000007) from ({_select(table)}) as t"  # noqa: S608
        parts.append(f"{table.name}:{connection.execute(query).fetchall()[0]}")
    return str(connection.execute("select md5($text)", {"text": "|".join(parts)}).fetchall()[0][0])


def _write(
    connection: duckdb.DuckDBPyConnection, publication: Publication, file: Path, values: Mapping[str, Any]
) -> None:
    """Write the file whole before it has its name. Sorted as the contract says, so that a repository's rows lie together."""
    with replacing(file) as temporary:
        temporary.unlink(missing_ok=True)
        escaped = str(temporary).replace("'", "''")
        connection.execute(f"attach '{escaped}' as snapshot_file (storage_version '{STORAGE_VERSION}')")
        try:
            about = read_select("serving", publication.snapshot_select)
            connection.execute(f"create table snapshot_file.{publication.snapshot.name} as {about}", values)
            for table in publication.tables:
                order = ", ".join(table.order)
                connection.execute(f"create table snapshot_file.{table.name} as {_select(table)} order by {order}")
            for table in publication.all_tables:
                _comment(connection, table)
        finally:
            connection.execute("detach snapshot_file")
        temporary.chmod(0o644)


def _comment(connection: duckdb.DuckDBPyConnection, table: Table) -> None:
    name = f"snapshot_file.{table.name}"
    connection.execute(f"comment on table {name} is '{_quoted(table.grain)}'")
    for column in table.columns:
        connection.execute(f"comment on column {name}.{column.name} is '{_quoted(column.description)}'")


def _quoted(text: str) -> str:
    return text.replace("'", "''")


def _switch(link: Path, target: str) -> None:
    """Point the link to its new target: readers see the old one or the new one, never nothing."""
    if link.is_symlink() and str(link.readlink()) == target:
        return
    new = link.with_name(f"{link.name}.{os.getpid()}.tmp")
    new.unlink(missing_ok=True)
    new.symlink_to(target)
    new.replace(link)


def _prune(folder: Path, current: str) -> None:
    """Keep the newest snapshots; whoever has an old one open keeps reading it."""
    snapshots = sorted((path for path in folder.glob("*.duckdb") if not path.is_symlink()), reverse=True)
    others = [path for path in snapshots if path.stem != current]
    for path in others[KEEP - 1 :]:
        path.unlink(missing_ok=True)


def _record_check(folder: Path, snapshot_id: str, about: Mapping[str, Any]) -> None:
    checked = {
        "snapshot_id": snapshot_id,
        "checked_at": f"{about['checked_at']:%Y-%m-%dT%H:%M:%SZ}",
        "as_of": f"{about['as_of']:%Y-%m-%dT%H:%M:%SZ}",
    }
    with replacing(folder / CHECKED_FILE) as temporary:
        temporary.write_bytes(orjson.dumps(checked))
