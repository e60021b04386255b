"""Dagster's SQLite history waits a minute for other writers: on a slow disk the usual five seconds are too short.

``python -m git_contrib_assets.graph.sqlite_timeout MODULE [ARGUMENT]...`` runs a program of Dagster's that way.
"""

import runpy
import sqlite3
import sys

import sqlalchemy.event
from sqlalchemy.engine import Engine

_SECONDS = 60


def wait_for_other_writers() -> None:
    """From now on, in this process. Without it a run can fail with "database is locked"."""
    sqlalchemy.event.listen(Engine, "connect", _set_timeout)


def _set_timeout(connection: object, _record: object) -> None:
    if isinstance(connection, sqlite3.Connection):
        connection.execute(f"pragma busy_timeout = {_SECONDS * 1000}")


def main() -> None:
    """Run the module that the command line names."""
    wait_for_other_writers()
    sys.argv[:] = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
