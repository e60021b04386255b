"""The Dagster instance of a home: the history of runs and materialisations that the UI shows."""

import contextlib
import errno
import logging
import shutil
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import sqlalchemy.exc

from git_contrib_assets.errors import GitContribError, UsageError
from git_contrib_assets.graph.sqlite_timeout import prepare_sqlite
from git_contrib_assets.logs import redact
from git_contrib_assets.sources.text import printable
from git_contrib_assets.storage.files import storage_errors, translate_storage_error
from git_contrib_assets.storage.home import Home, is_full, prepare_instance
from git_contrib_assets.storage.locks import lock

_MAX_WAIT = 300.0  # several may want to open it at the same moment, on a slow machine


@contextlib.contextmanager
def open_instance(home: Home) -> Iterator[dg.DagsterInstance]:
    """The Dagster instance of the home.

    Raises UsageError for a DAGSTER_HOME that is not a folder or has telemetry on; GitContribError if Dagster cannot use
    its history; LockBusy if another process does not finish opening it; StorageFull or HomeNotWritable.
    """
    folder = prepare_instance(home)
    prepare_sqlite()
    # Ctrl-C ends Dagster's event loop with generators still open; what asyncio says of that helps nobody.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    try:
        # Who opens it first makes its tables. Of two at once, Dagster lets one fail: "table runs already exists".
        with lock(home, "instance", run="(none yet)", purpose="the opening of Dagster's history", max_wait=_MAX_WAIT):
            instance = _get(folder)
        with instance:
            _refuse_telemetry(instance)
            yield instance
    except sqlalchemy.exc.SQLAlchemyError as error:
        raise _unusable(home, error) from error


def _get(folder: Path) -> dg.DagsterInstance:
    """The instance in ``folder``, with its tables made if there are none.

    Dagster cannot go on with tables whose making was cut off, and says "run `dagster instance migrate`" for ever. They
    hold nothing yet, so they are made again from the start.
    """
    parts = [folder / "history", folder / "schedules"]
    being_made = folder / "history-being-made"
    with storage_errors(folder):
        if being_made.exists():
            for part in parts:
                if part.exists():
                    shutil.rmtree(part)
        elif not any(part.exists() for part in parts):
            being_made.touch()
        try:
            instance = dg.DagsterInstance.from_config(str(folder))
        except sqlalchemy.exc.SQLAlchemyError:
            raise
        except Exception as error:  # Dagster's own, or what PyYAML says of the file
            text = printable(redact(str(error).strip().partition("\n")[0]))
            raise GitContribError(f"Dagster does not take {folder / 'dagster.yaml'}: {text}") from error
        being_made.unlink(missing_ok=True)
    return instance


def _refuse_telemetry(instance: dg.DagsterInstance) -> None:
    """Only its file can switch it off: Dagster's variable keeps what was noted from being sent, but not from being noted."""
    if instance.telemetry_enabled:
        raise UsageError(
            "Dagster's telemetry is on, which reports to its makers: to use this DAGSTER_HOME, write "
            f"'telemetry: {{enabled: false}}' into {instance.root_directory}/dagster.yaml"
        )


def _unusable(home: Home, error: Exception) -> GitContribError:
    """Dagster could not read or write what happened: mostly because the disk is full."""
    if "full" in str(error) or "disk I/O" in str(error) or is_full(home):
        return translate_storage_error(OSError(errno.ENOSPC, "full"), home.root)
    return GitContribError(f"Dagster could not use its history ({type(error).__name__}): look at {home.dagster}")
