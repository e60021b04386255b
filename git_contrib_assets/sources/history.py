"""What every history source delivers: the tip, its branch, and the commits as record batches."""

import atexit
import contextlib
import os
import signal
import subprocess
import threading
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa

from git_contrib_assets.records import Repository

COMMIT_SCHEMA = pa.schema(
    [
        pa.field("sha", pa.string(), nullable=False),
        pa.field("parent_count", pa.int32(), nullable=False),
        pa.field("author_name", pa.string(), nullable=False),
        pa.field("author_email", pa.string(), nullable=False),
        pa.field("authored_at", pa.timestamp("ms"), nullable=False),
        pa.field("committed_at", pa.timestamp("ms"), nullable=False),
    ]
)
"""One row per commit, as written: names and addresses untouched, times in UTC without a zone."""


@dataclass(frozen=True)
class History:
    """The default branch at one moment. ``tip`` is None for a repository without commits.

    ``batches`` may be read once, in a thread of its own: it blocks.
    """

    tip: str | None
    default_branch: str | None
    requests: int
    batches: Iterator[pa.RecordBatch]


class Cancellation:
    """Ends blocking reads from another thread: waits return at once, running processes are killed."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._processes: set[subprocess.Popen[bytes]] = set()
        _cancellations.add(self)

    @property
    def cancelled(self) -> bool:
        """Whether ``cancel`` was called."""
        return self._event.is_set()

    def cancel(self) -> None:
        """End all reads, now and later."""
        self._event.set()
        with self._lock:
            for process in self._processes:
                _kill_group(process)

    def wait(self, seconds: float) -> None:
        """Sleep, but not beyond the cancellation."""
        self._event.wait(seconds)

    @contextlib.contextmanager
    def kills(self, process: subprocess.Popen[bytes]) -> Iterator[None]:
        """``process``, the leader of its own group, dies at the cancellation and at the end of the block."""
        with self._lock:
            self._processes.add(process)
        try:
            yield
        finally:
            with self._lock:
                self._processes.discard(process)
            _kill_group(process)


_cancellations: "weakref.WeakSet[Cancellation]" = weakref.WeakSet()


@atexit.register
def cancel_all() -> None:
    """End every read of this process. An interrupt can leave an event loop where nothing in it runs any more."""
    for cancellation in list(_cancellations):
        cancellation.cancel()


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


class HistorySource(Protocol):
    """Where histories come from."""

    name: str
    concurrency: int

    def read(self, repository: Repository, *, cancellation: Cancellation) -> History:
        """The history of the repository's default branch. Blocks; raises RepositoryFailed or StorageError."""
        ...

    def forget(self, repository: Repository) -> None:
        """Drop whatever is cached of the repository."""
        ...
