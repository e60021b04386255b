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

from git_contrib_assets.published_files import (
    CHECKED_FILE,
    CHECKSUMS_FILE,
    CURRENT_LINK,
    checksum,
    current_target,
    damage,
    published_checksums,
    snapshot_files,
    why_unreadable,
)
from git_contrib_assets.serving.contract import Publication
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

    ``about`` is its one row about itself, by column; ``replaced`` says what was wrong with the file that was there, if
    anything was.
    """

    snapshot_id: str
    changed: bool
    file: Path
    rows: dict[str, int]
    about: dict[str, Any]
    replaced: str | None = None


@dataclass(frozen=True)
class Current:
    """The snapshot that the link names: its id and fingerprint, or what is wrong with its file."""

    snapshot_id: str | None = None
    fingerprint: str | None = None
    problem: str | None = None


def publish(
    connection: duckdb.DuckDBPyConnection, home: Home, publication: Publication, *, as_of: datetime
) -> Published:
    """Publish the warehouse's tables if they differ from the current snapshot's; else only record that they were checked.

    Other publications are left alone. The caller holds the warehouse lock. Raises StorageFull or HomeNotWritable.
    """
    folder = publication.folder(home.published)
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700 if publication.is_private else 0o777)
        sweep(folder)
        if publication.top_link:
            sweep(home.published)
            _adopt(home.published, folder)
    values = {
        "snapshot_id": "",
        "as_of": as_of,
        "definition_version": DEFINITION_VERSION,
        "contract_version": publication.version,
        "fingerprint": "",
    }
    values["fingerprint"] = fingerprint = _fingerprint(connection, publication, values)
    current = look_at_current(home, publication)
    snapshot_id, changed = current.snapshot_id, current.fingerprint != fingerprint
    if changed or snapshot_id is None:
        snapshot_id = f"{as_of:%Y%m%dT%H%M%SZ}-{fingerprint[:8]}"
    values["snapshot_id"] = snapshot_id
    about = _about(connection, publication, values)
    file = folder / f"{snapshot_id}.duckdb"
    with storage_errors(folder):
        if changed:
            _write(connection, publication, file, values)
            _record_checksums(folder, file)
            before = current_target(folder)
            _switch(folder / CURRENT_LINK, file.name)
            if current.problem and before and before != file:
                before.unlink(missing_ok=True)
            _prune(folder, snapshot_id)
        if publication.top_link:
            _switch(home.published / CURRENT_LINK, f"{folder.name}/{CURRENT_LINK}")
        _forget_withdrawn(connection, publication, file)
        _record_check(folder, snapshot_id, about)
    counts = {table.published_name: count_rows(connection, _source(table)) for table in publication.tables}
    return Published(snapshot_id, changed, file, counts, about, current.problem)


def _adopt(published: Path, folder: Path) -> None:
    """Move the snapshots of an earlier version, which had them in ``published`` itself. Readers that have one open are not disturbed.

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


def look_at_current(home: Home, publication: Publication) -> Current:
    """The current snapshot, after every byte of its file was compared with what was published."""
    file = current_target(publication.reading_folder(home.published))
    if file is None:
        return Current()
    problem = damage(file)
    if problem:
        return Current(problem=problem)
    try:
        with contextlib.closing(duckdb.connect(str(file), read_only=True)) as connection:
            if file.name not in published_checksums(file.parent):  # of an earlier version: reading it tells
                for table in publication.tables:
                    connection.execute(f"select max(hash(t)) from {table.published_name} as t").fetchall()  # noqa: S608
            rows = connection.execute("select snapshot_id, fingerprint from snapshot").fetchall()
    except duckdb.CatalogException:
        return Current()  # older than a table of the contract: not current, and nothing is wrong with it
    except duckdb.Error as error:
        return Current(problem=why_unreadable(file, error))
    return Current(*rows[0]) if rows else Current()


def current_snapshot(home: Home, publication: Publication) -> tuple[str | None, str | None]:
    """Id and fingerprint of the current snapshot; None if there is none that can be read."""
    current = look_at_current(home, publication)
    return current.snapshot_id, current.fingerprint


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
        parts.append(f"{table.published_name}:{connection.execute(query).fetchall()[0]}")
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
                connection.execute(
                    f"create table snapshot_file.{table.published_name} as {_select(table)} order by {order}"
                )
            for table in publication.all_tables:
                _comment(connection, table)
        finally:
            connection.execute("detach snapshot_file")
        temporary.chmod(0o600 if publication.is_private else 0o444)


def _comment(connection: duckdb.DuckDBPyConnection, table: Table) -> None:
    name = f"snapshot_file.{table.published_name}"
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
    others = [path for path in snapshot_files(folder) if path.stem != current]
    for path in others[KEEP - 1 :]:
        path.unlink(missing_ok=True)


def _forget_withdrawn(connection: duckdb.DuckDBPyConnection, publication: Publication, current: Path) -> None:
    """Delete the older snapshots that hold a row of ``withdrawn_with`` that is no longer there, or that cannot be read."""
    table = publication.withdrawn_with
    if table is None:
        return
    key = ", ".join(table.key)
    there = set(connection.execute(f"select {key} from {_source(table)}").fetchall())  # noqa: S608
    for file in snapshot_files(current.parent):
        if file == current:
            continue
        try:
            with contextlib.closing(duckdb.connect(str(file), read_only=True)) as old:
                withdrawn = set(old.execute(f"select {key} from {table.published_name}").fetchall()) - there  # noqa: S608
        except duckdb.Error:
            withdrawn = {()}
        if withdrawn:
            file.unlink(missing_ok=True)


def _record_checksums(folder: Path, file: Path) -> None:
    """Record what the file is, before the link leads to it, so that readers can tell a damaged or changed one."""
    known = published_checksums(folder)
    kept = {path.name: known[path.name] for path in snapshot_files(folder) if path.name in known}
    with replacing(folder / CHECKSUMS_FILE) as temporary:
        temporary.write_bytes(orjson.dumps({**kept, file.name: checksum(file)}))


def _record_check(folder: Path, snapshot_id: str, about: Mapping[str, Any]) -> None:
    checked = {
        "snapshot_id": snapshot_id,
        "checked_at": f"{about['checked_at']:%Y-%m-%dT%H:%M:%SZ}",
        "as_of": f"{about['as_of']:%Y-%m-%dT%H:%M:%SZ}",
    }
    with replacing(folder / CHECKED_FILE) as temporary:
        temporary.write_bytes(orjson.dumps(checked))
