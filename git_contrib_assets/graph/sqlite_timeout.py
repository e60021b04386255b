"""Dagster's SQLite history: it waits a minute for other writers, because on a slow disk five seconds are too short; and it keeps
what it knows of a file and of its statements, because to find that out again for each event takes most of the event's time.

``python -m git_contrib_assets.graph.sqlite_timeout MODULE [ARGUMENT]...`` runs a program of Dagster's that way.
"""

import runpy
import sqlite3
import sys
from collections.abc import Callable
from threading import Lock
from typing import Any

import sqlalchemy.event
from cachetools import LRUCache
from dagster._core.storage.event_log.sqlite import sqlite_event_log
from dagster._core.storage.runs.sqlite import sqlite_run_storage
from dagster._core.storage.schedules.sqlite import sqlite_schedule_storage
from sqlalchemy.engine import Engine

_SECONDS = 60
_MOST_ENGINES = 64


def prepare_sqlite() -> None:
    """From now on, in this process: wait for other writers, and keep engines."""
    wait_for_other_writers()
    keep_engines()


def wait_for_other_writers() -> None:
    """From now on, in this process. Without it a run can fail with "database is locked"."""
    sqlalchemy.event.listen(Engine, "connect", _set_pragmas)


def keep_engines() -> None:
    """From now on, in this process: one engine of SQLAlchemy's for each of Dagster's SQLite files.

    Dagster makes an engine for each statement, and so compiles each statement again. Engines hold no connection here
    (``NullPool``), so that they may be kept across threads and forks.
    """
    for module in (sqlite_event_log, sqlite_run_storage, sqlite_schedule_storage):
        if not isinstance(module.create_engine, _KeptEngines):
            module.create_engine = _KeptEngines(module.create_engine)  # type: ignore[attr-defined]


class _KeptEngines:
    """Makes an engine at the first call with the same arguments; the engines that were used last are kept."""

    def __init__(self, create: Callable[..., Engine]) -> None:
        self._create = create
        self._engines: LRUCache[str, Engine] = LRUCache(_MOST_ENGINES)
        self._lock = Lock()

    def __call__(self, url: str, **options: Any) -> Engine:
        key = f"{url} {sorted(options.items(), key=str)}"
        with self._lock:
            if key not in self._engines:
                self._engines[key] = self._create(url, **options)
            return self._engines[key]


def _set_pragmas(connection: object, _record: object) -> None:
    if isinstance(connection, sqlite3.Connection):
        connection.execute(f"pragma busy_timeout = {_SECONDS * 1000}")
        # Written ahead, the history stays whole whatever happens; after a power cut its last events may be missing, and
        # what is landed is not. Otherwise each of the hundreds of events of a run waits for the disk.
        connection.execute("pragma synchronous = normal")


def main() -> None:
    """Run the module that the command line names."""
    prepare_sqlite()
    sys.argv[:] = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
