"""A connection to PostgreSQL by ADBC: its transactions, and its errors as ours."""

import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import pyarrow as pa

from git_contrib_assets.errors import (
    CopyFailed,
    DatabaseMismatch,
    DatabaseRefused,
    DatabaseUnreachable,
    LockBusy,
    UsageError,
)
from git_contrib_assets.serving.postgresql.address import Address

DRIVER = "adbc-driver-postgresql>=1.13,<2"
"""What pip installs: as the extra ``postgresql`` has it."""

Done = TypeVar("Done")
_LOCK_NOT_AVAILABLE = "55P03"
_INSUFFICIENT_PRIVILEGE = "42501"
_NOT_IN_THIS_ENCODING = "22P05"
_REFUSALS = ("authentication failed", "no password supplied", "no pg_hba.conf entry", "permission denied", 'role "')


class Session:
    """An open connection. Statements are ours and name nothing that comes from outside; values go in as parameters."""

    def __init__(self, connection: Any, address: Address) -> None:
        self._connection = connection
        self._cancelled = False
        self.address = address

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """The rows of a query, whose parameters are $1, $2, …"""
        with self._cursor() as cursor:
            cursor.execute(query, values or None)
            return [tuple(row) for row in cursor.fetchall()]

    def run(self, statement: str, *values: Any) -> int:
        """Run a statement; the number of rows that it changed, or -1 where that makes no sense."""
        with self._cursor() as cursor:
            cursor.execute(statement, values or None)
            return int(cursor.rowcount)

    def load(self, table: str, rows: pa.RecordBatchReader, *, schema: str | None = None) -> int:
        """COPY rows, batch by batch, into a table that is there: without a schema, a temporary one; the number of rows."""
        with self._cursor() as cursor:
            return int(cursor.adbc_ingest(table, rows, mode="append", db_schema_name=schema, temporary=schema is None))

    def cancel(self) -> None:
        """End the statement that another thread runs, and let it begin no other."""
        self._cancelled = True
        self._connection.adbc_cancel()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All that is done in the block, or nothing of it."""
        try:
            yield
            with _translated(self.address):
                self._refuse_if_cancelled()
                self._connection.commit()
        except BaseException:
            with contextlib.suppress(Exception):  # the connection may be what has failed: then the server rolls back
                self._connection.rollback()
            raise

    @contextlib.contextmanager
    def _cursor(self) -> Iterator[Any]:
        self._refuse_if_cancelled()
        with _translated(self.address), contextlib.closing(self._connection.cursor()) as cursor:
            yield cursor

    def _refuse_if_cancelled(self) -> None:
        if self._cancelled:
            raise CopyFailed(
                f"The copy to PostgreSQL at {self.address.place} was interrupted: it holds what it held before"
            )


@contextlib.contextmanager
def connected(address: Address) -> Iterator[Session]:
    """A connection, closed again.

    Raises DatabaseUnreachable or DatabaseRefused, and UsageError where the driver is not installed.
    """
    try:
        from adbc_driver_postgresql import dbapi
    except ImportError as error:
        raise UsageError(
            f"The driver for PostgreSQL is not installed: python -m pip install '{DRIVER}', in the environment of git-contrib"
        ) from error
    try:
        connection = dbapi.connect(address.url)
    except dbapi.Error as error:
        raise _not_connected(error, address) from None
    try:
        yield Session(connection, address)
    finally:
        with contextlib.suppress(dbapi.Error):
            connection.close()


def interruptible(session: Session, work: Callable[[], Done]) -> Done:
    """Do the work in another thread, so that Ctrl-C ends it as it ends all else here.

    In the main thread the driver takes the signal for itself, and tells of an error in place of it.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="postgresql") as pool:
        done = pool.submit(work)
        try:
            return done.result()
        except BaseException:
            if not done.done():
                session.cancel()
            raise


def _not_connected(error: Exception, address: Address) -> CopyFailed | DatabaseRefused:
    """libpq gives a text and no code here. One in another language than English is shown as it is."""
    cause = address.cause(str(error).replace("IO: [libpq] Failed to connect: ", ""))
    if any(sign in cause for sign in _REFUSALS):
        return DatabaseRefused(
            f"PostgreSQL at {address.place} refuses the user or the password ({cause}): correct GIT_CONTRIB_POSTGRES_URL, "
            "PGPASSWORD or ~/.pgpass"
        )
    if "does not exist" in cause:
        return DatabaseUnreachable(
            f"PostgreSQL at {address.place} has no such database ({cause}): create it, or correct the name"
        )
    return DatabaseUnreachable(
        f"PostgreSQL at {address.place} cannot be reached ({cause}): correct the address, or start the server, then copy again"
    )


@contextlib.contextmanager
def _translated(address: Address) -> Iterator[None]:
    """Errors of the driver as ours. Its own are not chained: they repeat statements and rows."""
    from adbc_driver_manager.dbapi import Error

    try:
        yield
    except Error as error:
        raise _explained(error, address) from None


def _explained(error: Exception, address: Address) -> CopyFailed | DatabaseRefused | LockBusy:
    code, place = getattr(error, "sqlstate", None), address.place
    # The first line after ERROR tells what it is; those that follow hold the statement and values of rows.
    said = str(error).partition("\n\nQuery was:")[0].partition("ERROR:")
    cause = address.cause((said[2] or said[0]).strip().partition("\n")[0])
    if code == _INSUFFICIENT_PRIVILEGE:
        return DatabaseRefused(
            f"The user may not write to PostgreSQL at {place} ({cause}): grant it CREATE on the database, or let it own the "
            "schema git_contrib"
        )
    if code == _LOCK_NOT_AVAILABLE:
        return LockBusy(
            f"PostgreSQL at {place}: another session holds a lock on the copied tables for longer than we may wait. Nothing "
            "was changed; copy again later, or allow a longer --max-wait"
        )
    if code == _NOT_IN_THIS_ENCODING:
        return DatabaseMismatch(f"PostgreSQL at {place} cannot hold a text ({cause}): use a database in UTF8")
    return CopyFailed(
        f"PostgreSQL at {place} did not take the copy ({cause}). It holds what it held before; copy again"
    )
