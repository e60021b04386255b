"""Files that are there whole or not at all, and the operating system's errors as ours."""

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path

from git_contrib_assets.errors import HomeNotWritable, StorageError, StorageFull

_FULL = {errno.ENOSPC, errno.EDQUOT}


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


@contextlib.contextmanager
def staging(path: Path) -> Iterator[Path]:
    """A temporary name beside ``path``, durable when the block ends well and gone when it does not.

    ``put_in_place`` makes it ``path``. Raises StorageFull or HomeNotWritable in place of OSError.
    """
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        with storage_errors(path):
            yield temporary
            with temporary.open("rb") as written:
                os.fsync(written.fileno())
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def put_in_place(temporary: Path, path: Path) -> None:
    """Let what was staged be ``path`` from now on, all at once and durable."""
    with storage_errors(path):
        temporary.replace(path)
        _sync_folder(path.parent)


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary name beside ``path`` that becomes ``path`` when the block ends well, durable and all at once.

    Raises StorageFull or HomeNotWritable in place of OSError.
    """
    with staging(path) as temporary:
        yield temporary
    try:
        put_in_place(temporary, path)
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
