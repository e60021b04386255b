"""The warehouse: a DuckDB working file that is rebuilt from landing by plain selects, one ``.sql`` file per table."""

import contextlib
import hashlib
import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import duckdb

from git_contrib_assets.errors import LandingFileCorrupt, StorageError, WarehouseBusy
from git_contrib_assets.storage.files import storage_errors, translate_storage_error
from git_contrib_assets.storage.home import Home
from git_contrib_assets.storage.landed.accounts import OLDEST_ANSWER
from git_contrib_assets.storage.landed.addresses import BOT_ADDRESS, WHITESPACE
from git_contrib_assets.storage.landed.crawl_log import CRAWL_LOG
from git_contrib_assets.storage.landed.pins import pin
from git_contrib_assets.storage.landing_zone import LandingZone
from git_contrib_assets.storage.subjects import CONTRIBUTORS, Subject
from git_contrib_assets.tables import Table

MEMORY_LIMIT = "1GB"
_VIEWS = {("warehouse", "commits")}
_NOT_OF_LANDING = (duckdb.CatalogException, duckdb.ParserException, duckdb.OutOfMemoryException)
_SCHEMAS = {"warehouse": "typed", "marts": "marts"}  # DuckDB takes warehouse.x for a table of the file warehouse.duckdb


@contextlib.contextmanager
def open_warehouse(
    home: Home, subject: Subject = CONTRIBUTORS, *, landing_as_before: bool = False
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A subject's warehouse, with views on its landing files; always closed again. The caller holds the warehouse lock.

    The views show landing as it is now and go on to show that, whatever a crawl does meanwhile. With
    ``landing_as_before=True``, use the files pinned by the last call that passed False. Raises WarehouseBusy, StorageFull,
    HomeNotWritable, or LandingFileCorrupt for landing files that could not be read: they are set aside.
    """
    file, pinned = home.root / subject.warehouse, home.landing / subject.pinned
    with contextlib.closing(_connect(file)) as connection:
        file.chmod(0o600)  # it may hold what is private
        if not (landing_as_before and pinned.exists()):
            pin(home.landing, subject.landed, pinned)
        try:
            attach_landing(connection, pinned, subject)
            yield connection
        except duckdb.Error as error:
            raise _explain(error, home) from error


def build_table(connection: duckdb.DuckDBPyConnection, layer: str, name: str, parameters: Mapping[str, Any]) -> int:
    """Replace a layer's table by what its select (``<layer>/<name>.sql``) gives now; the number of its rows.

    ``parameters`` may hold more than the select names.
    """
    select, table = read_select(layer, name), table_name(layer, name)
    if (layer, name) in _VIEWS:
        connection.execute(f"create or replace view {table} as {select}")
    else:
        used = {key: value for key, value in parameters.items() if f"${key}" in select}
        connection.execute(f"create or replace table {table} as {select}", used)
    return count_rows(connection, table)


def table_name(layer: str, name: str) -> str:
    """The name of a layer's table in the warehouse file."""
    return f"{_SCHEMAS[layer]}.{name}"


def table_key(table: str) -> list[str]:
    """The key of the asset that is the table of this name in the warehouse file."""
    schema, _, name = table.partition(".")
    (layer,) = (layer for layer, its_schema in _SCHEMAS.items() if its_schema == schema)
    return [layer, name]


def landing_key(view: str) -> list[str]:
    """The key of the asset whose landing files are this view."""
    name = view.removeprefix("landing.")
    return ["landing", name if name in {"owners", "accounts", "crawl_log", "commits"} else "repositories"]


def count_rows(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    """The number of rows of a table."""
    (rows,) = connection.execute(f"select count(*) from {table}").fetchall()[0]  # noqa: S608 - our own names
    return int(rows)


def read_named(
    connection: duckdb.DuckDBPyConnection, layer: str, name: str, parameters: Mapping[str, Any]
) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Columns and rows of a ``.sql`` file's select. ``parameters`` may hold more than it names."""
    select = read_select(layer, name)
    found = connection.execute(select, {key: value for key, value in parameters.items() if f"${key}" in select})
    return [str(column[0]) for column in found.description or ()], found.fetchall()


def read_violations(
    connection: duckdb.DuckDBPyConnection, name: str, parameters: Mapping[str, Any]
) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Columns and rows of a check's select (``marts/violations/<name>.sql``): there must be no row."""
    return read_named(connection, "marts/violations", name, parameters)


def has_select(layer: str, name: str) -> bool:
    """Whether there is such a ``.sql`` file in the package."""
    return files("git_contrib_assets").joinpath(layer, f"{name}.sql").is_file()


@cache
def read_select(layer: str, name: str) -> str:
    """The text of a ``.sql`` file of the package, by folder and file name."""
    return files("git_contrib_assets").joinpath(layer, f"{name}.sql").read_text("utf-8")


def code_version(layer: str, name: str) -> str:
    """A table's code version: it changes with its select and with nothing else."""
    return hashlib.sha256(read_select(layer, name).encode()).hexdigest()[:12]


def attach_landing(connection: duckdb.DuckDBPyConnection, folder: Path, subject: Subject = CONTRIBUTORS) -> None:
    """Make the subject's views on the landing files in ``folder``."""
    for schema in ("landing", *_SCHEMAS.values()):
        connection.execute(f"create schema if not exists {schema}")
    escaped = re.sub(r"[*?\[]", r"[\g<0>]", str(folder)).replace("'", "''")  # the views name files by patterns
    values = {"folder": escaped, "crawl_log_columns": _json_columns(CRAWL_LOG)}
    connection.execute(read_select("warehouse", subject.landing_views).format(**values))
    define_macros(connection)


def define_macros(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the rules that Python and SQL share callable in SQL."""
    values = {
        "whitespace": _character_codes(WHITESPACE),
        "bot_address": BOT_ADDRESS,
        "oldest_answer_days": OLDEST_ANSWER.days,
    }
    connection.execute(read_select("warehouse", "macros").format(**values))


def _json_columns(table: Table) -> str:
    """The columns of a table as ``read_json`` takes them."""
    return "{" + ", ".join(f"{column.name}: '{column.type}'" for column in table.columns) + "}"


def _character_codes(characters: str) -> str:
    """Characters as an expression of SQL."""
    return " || ".join(f"chr({ord(character)})" for character in characters)


def _connect(path: Path) -> duckdb.DuckDBPyConnection:
    """Open the file. One that is no database any more is made again: everything in it comes back from landing.

    Raises WarehouseBusy at once for a file that another program holds, and StorageError for one that cannot be made.
    """
    config: dict[str, Any] = {"memory_limit": MEMORY_LIMIT, "autoinstall_known_extensions": False}
    try:
        return duckdb.connect(str(path), config=config)
    except duckdb.ConnectionException as error:
        raise WarehouseBusy(f"{path.name} is already open in this program") from error
    except duckdb.Error as error:
        if "could not set lock" in str(error).lower():
            raise WarehouseBusy(f"{path.name} is open in another program: close it there and run again") from error
        if not path.exists():
            raise StorageError(f"{path.name} cannot be made: is the home a folder that can be written?") from error
    _remove(path)
    return duckdb.connect(str(path), config=config)


def _remove(path: Path) -> None:
    with storage_errors(path):
        path.unlink(missing_ok=True)
        path.with_name(path.name + ".wal").unlink(missing_ok=True)


def _explain(error: duckdb.Error, home: Home) -> Exception:
    """An error of DuckDB's, as ours. A landing file that cannot be read is found by reading them all."""
    text = str(error)
    if "No space left" in text or "disk full" in text.lower():
        return translate_storage_error(OSError(28, "No space left on device"), home.root)
    if not isinstance(error, _NOT_OF_LANDING):  # of a damaged file DuckDB tells in many ways, a bare Error among them
        corrupt = LandingZone(home).commits.verify()
        if corrupt:
            names = ", ".join(one.path.name for one in corrupt)
            return LandingFileCorrupt(
                f"Landing files could not be read and were set aside ({names}): run again to fetch them again",
                path=corrupt[0].path,
            )
    return StorageError(
        f"DuckDB could not build the tables ({type(error).__name__}): {text.splitlines()[0] if text else ''}"
    )
