"""Locks: one writer at a time, and which runs are alive.

Locks are ``flock``s: they hold between the command line, the Dagster UI and the daemon alike, and end
with their process, however that dies.
"""

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import IO

import orjson

from git_contrib_assets.errors import LockBusy, StorageError
from git_contrib_assets.storage.files import storage_errors
from git_contrib_assets.storage.home import Home

_POLL_SECONDS = 0.2


@dataclass(frozen=True)
class Holder:
    """Who holds a lock, as written in its file."""

    process: int
    run: str
    purpose: str
    since: str


def lock(
    home: Home,
    name: str,
    *,
    run: str,
    purpose: str,
    max_wait: float,
    on_wait: Callable[[str], None] = lambda _: None,
) -> IO[bytes]:
    """Take the lock ``name`` and return its open file; closing the file releases it.

    ``on_wait`` gets one line when we have to wait. Raises LockBusy after ``max_wait`` seconds.
    """
    path = home.locks / f"{name}.lock"
    with storage_errors(path):
        handle = path.open("a+b")
    deadline = time.monotonic() + max_wait
    announced = False
    while not try_flock(handle):
        holder = _read_holder(handle)
        who = (
            f"{holder.purpose} of run {holder.run} (process {holder.process}, since {holder.since})"
            if holder
            else "another run"
        )
        if time.monotonic() >= deadline:
            handle.close()
            raise LockBusy(f"The {name} lock is held by {who}: wait for it, or allow a longer --max-wait")
        if not announced:
            on_wait(f"Waiting for {who}, up to {max_wait:.0f} s")
            announced = True
        time.sleep(min(_POLL_SECONDS, max(0.0, deadline - time.monotonic())))
    try:
        with storage_errors(path):
            _write_holder(handle, Holder(os.getpid(), run, purpose, datetime.now(UTC).isoformat(timespec="seconds")))
    except StorageError:
        with contextlib.suppress(OSError):
            handle.close()
        raise
    return handle


def try_flock(handle: IO[bytes]) -> bool:
    """Whether the exclusive lock on the open file is now ours."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def mark_run_alive(home: Home, run: str) -> IO[bytes]:
    """Hold a file in the run's name for as long as this process lives: who can lock it knows that the run is dead."""
    path = home.locks / "runs" / run
    with _runs_guarded(home):  # nobody sees it before it is locked
        handle = path.open("a+b")
        try_flock(handle)
    return handle


@contextlib.contextmanager
def _runs_guarded(home: Home) -> Iterator[None]:
    """Held for moments: who marks a run as alive and who looks for dead ones do not meet half way."""
    path = home.locks / "runs.lock"
    with storage_errors(path), path.open("a+b") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        yield


def is_marked(home: Home, run: str) -> bool:
    """Whether the run ever showed that it lives, and was not dealt with since."""
    return (home.locks / "runs" / run).exists()


def dead_runs(home: Home) -> list[str]:
    """Runs whose process ended without saying so. ``forget_run`` each once that is dealt with."""
    dead = []
    with _runs_guarded(home):
        for path in sorted((home.locks / "runs").iterdir()):
            with contextlib.suppress(FileNotFoundError), path.open("r+b") as handle:
                if try_flock(handle):
                    dead.append(path.name)
    return dead


def forget_run(home: Home, run: str) -> None:
    """Remove the run's file: it has ended."""
    (home.locks / "runs" / run).unlink(missing_ok=True)


def _read_holder(handle: IO[bytes]) -> Holder | None:
    handle.seek(0)
    try:
        return Holder(**orjson.loads(handle.read()))
    except (orjson.JSONDecodeError, TypeError):
        return None


def _write_holder(handle: IO[bytes], holder: Holder) -> None:
    handle.seek(0)
    handle.truncate()
    handle.write(orjson.dumps(holder))
    handle.flush()
