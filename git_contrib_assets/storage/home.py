"""The home: where everything lives on disk, and the locks that keep one writer at a time.

Locks are ``flock``s: they hold between the command line, the Dagster UI and the daemon alike, and end
with their process, however that dies.
"""

import contextlib
import errno
import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import IO

import orjson

from git_contrib_assets.errors import HomeNotWritable, LockBusy, StorageError, StorageFull, UsageError

_POLL_SECONDS = 0.2
_FULL = {errno.ENOSPC, errno.EDQUOT}
_LEAST_FREE_BYTES = 1 << 20


@dataclass(frozen=True)
class Home:
    """Paths below one folder. Only ``landing`` is state; all else can be deleted and comes back."""

    root: Path

    @property
    def landing(self) -> Path:
        """Raw records as files: the only state."""
        return self.root / "landing"

    @property
    def git(self) -> Path:
        """Treeless bare clones: a cache."""
        return self.root / "git"

    @property
    def warehouse(self) -> Path:
        """The working DuckDB file."""
        return self.root / "warehouse.duckdb"

    @property
    def built_from(self) -> Path:
        """Landing as the tables of the warehouse saw it: links to the files of then. In landing, for addresses stay there."""
        return self.landing / "built_from"

    @property
    def published(self) -> Path:
        """Immutable snapshots and the link to the current one."""
        return self.root / "published"

    @property
    def dagster(self) -> Path:
        """Default DAGSTER_HOME: history of runs and materialisations."""
        return self.root / "dagster"

    @property
    def locks(self) -> Path:
        """Lock files."""
        return self.root / "locks"

    @property
    def logs(self) -> Path:
        """What the programs of `up` wrote since it started."""
        return self.root / "logs"

    def prepare(self) -> None:
        """Make the folders.

        Raises HomeNotWritable or StorageFull.
        """
        folders = (self.landing, self.git, self.published, self.dagster, self.locks, self.locks / "runs")
        with storage_errors(self.root):
            self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
            for folder in folders:
                folder.mkdir(exist_ok=True)
            with (self.locks / "write-test").open("w"):
                pass


def prepare_instance(home: Home) -> None:
    """Make the home ready, and DAGSTER_HOME the one inside it unless one is set.

    Raises HomeNotWritable, StorageFull, or UsageError for a DAGSTER_HOME that Dagster does not take.
    """
    home.prepare()
    configuration = home.dagster / "dagster.yaml"
    if not configuration.exists():
        with replacing(configuration) as temporary:
            temporary.write_bytes(files("git_contrib_assets").joinpath("dagster.yaml").read_bytes())
    chosen = os.environ.get("DAGSTER_HOME", "").strip() or str(home.dagster)
    if not (Path(chosen).is_absolute() and Path(chosen).is_dir()):
        raise UsageError(f"DAGSTER_HOME is {chosen}: give it the absolute path of a folder that is there, or unset it")
    os.environ["DAGSTER_HOME"] = chosen


@contextlib.contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Translate the operating system's errors on ``path`` to ours."""
    try:
        yield
    except OSError as error:
        raise translate_storage_error(error, path) from error


def translate_storage_error(error: OSError, path: Path) -> StorageError:
    """What an OSError on ``path`` means to the person who runs this."""
    if error.errno in _FULL:
        return StorageFull(f"No space left on the disk of {path}: free some and run again; what is landed is kept")
    text = error.strerror or str(error)
    return HomeNotWritable(f"{path} cannot be written ({text}): set GIT_CONTRIB_HOME or --home to a folder that can")


def is_full(home: Home) -> bool:
    """Whether the home's disk has no room left that is worth the name."""
    return shutil.disk_usage(home.root).free < _LEAST_FREE_BYTES


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


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary name beside ``path`` that becomes ``path`` when the block ends well, durable and all at once.

    Raises StorageFull or HomeNotWritable in place of OSError.
    """
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        with storage_errors(path):
            yield temporary
            with temporary.open("rb") as written:
                os.fsync(written.fileno())
            temporary.replace(path)
            _sync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def sweep(folder: Path) -> None:
    """Remove what killed writers left in ``folder``. Only under the folder's lock."""
    for leftover in folder.glob("*.tmp*"):
        if leftover.is_file():
            leftover.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
