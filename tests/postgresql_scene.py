"""Databases for tests, and how what they hold differs from what is published."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import duckdb
import pyarrow as pa
from adbc_driver_postgresql import dbapi
from postgresql_server import Server
from pydantic import SecretStr

from git_contrib_assets.serving.contract import Publication
from git_contrib_assets.serving.contract.contributors import PUBLICATION
from git_contrib_assets.serving.postgresql.address import Address, chosen_address
from git_contrib_assets.settings import Settings


def address_of(url: str) -> Address:
    """As the environment would give it."""
    return chosen_address(None, Settings.from_environment(postgres_url=SecretStr(url)))


@dataclass(frozen=True)
class Database:
    """An empty database of a server's, and the administrator's way into it."""

    server: Server
    name: str

    @property
    def url(self) -> str:
        return self.server.url(self.name)

    @property
    def address(self) -> Address:
        return address_of(self.url)

    @property
    def url_without_password(self) -> str:
        return self.server.url(self.name, password=None)

    @property
    def place(self) -> str:
        """What people read instead of the URL."""
        return f"{urlsplit(self.url).netloc.rpartition('@')[2]}/{self.name}"

    def query(self, statement: str) -> str:
        """What psql prints for a statement."""
        return self.server.query(statement, self.name)

    @contextlib.contextmanager
    def connection(self) -> Iterator[Any]:
        """A cursor of a connection of its own, with a transaction that is never committed."""
        with contextlib.closing(dbapi.connect(self.url)) as connection, connection.cursor() as cursor:
            yield cursor
            connection.rollback()

    def table(self, name: str) -> pa.Table:
        """All rows of a table of ours, with times that do not say their zone, as they are published."""
        with self.connection() as cursor:
            cursor.execute(f'select * from git_contrib."{name}"')  # noqa: S608
            rows = cursor.fetch_arrow_table()
        plain = [
            pa.field(one.name, pa.timestamp("us") if pa.types.is_timestamp(one.type) else one.type)
            for one in rows.schema
        ]
        return rows.cast(pa.schema(plain))

    def tables(self) -> set[str]:
        """The names of the tables in our schema."""
        return set(self.query("select tablename from pg_tables where schemaname = 'git_contrib'").split())

    def rows_as_written(self) -> str:
        """Where each row lies, and which transaction wrote it."""
        select = "select '{0}', ctid::text, xmin::text from git_contrib.\"{0}\""
        return self.query(" union all ".join(select.format(name) for name in sorted(self.tables())) + " order by 1, 2")

    def next_transaction(self) -> str:
        """The number that the next transaction to write anything will have."""
        return self.query("select pg_snapshot_xmax(pg_current_snapshot())")

    def difference(self, file: Path, publication: Publication = PUBLICATION) -> dict[str, list[Any]]:
        """Rows by table that are in one and not in the other, by DuckDB; none where the copy is what is published."""
        found = {}
        with duckdb.connect(str(file), read_only=True) as snapshot:
            for table in publication.all_tables:
                copied = self.table(publication.name_among_all(table.name))
                columns = ", ".join(f'"{name}"' for name in table.column_names)
                there, here = (f"select {columns} from {rows}" for rows in ("copied", table.name))  # noqa: S608
                assert set(copied.column_names) == set(table.column_names)
                rows = [
                    *snapshot.execute(f"{there} except all {here}").fetchall(),
                    *snapshot.execute(f"{here} except all {there}").fetchall(),
                ]
                if rows:
                    found[table.name] = rows
        return found
