"""Dagster's history waits for who writes to it: a slow disk may take longer than the five seconds that SQLite waits.

``python -m git_contrib_assets.patient MODULE [ARGUMENT]...`` runs a program of Dagster's that way.
"""

import runpy
import sqlite3
import sys

import sqlalchemy.event
from sqlalchemy.engine import Engine

_SECONDS = 60


def be_patient() -> None:
    """From now on, in this process. Without it a run fails with "database is locked"."""
    sqlalchemy.event.listen(Engine, "connect", _wait_for_writers)


def _wait_for_writers(connection: object, _record: object) -> None:
    if isinstance(connection, sqlite3.Connection):
        connection.execute(f"pragma busy_timeout = {_SECONDS * 1000}")


def main() -> None:
    """Run the module that the command line names."""
    be_patient()
    sys.argv[:] = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
