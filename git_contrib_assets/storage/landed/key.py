"""The key of the published hashes: made once per home, and never replaced."""

import contextlib
import os
import re
import secrets
from pathlib import Path

from git_contrib_assets.errors import StorageError
from git_contrib_assets.storage.files import storage_errors

_KEY = re.compile(rb"[0-9a-f]{64}")


def read_or_make_key(path: Path) -> bytes:
    """The key in ``path``, 64 hexadecimal digits; made at the first call, readable by its owner only.

    Raises StorageError for a file that holds anything else: with a shorter key the published hashes could be inverted.
    """
    with storage_errors(path):
        if not path.exists():
            _make(path)
        key = path.read_bytes().strip()
    if not _KEY.fullmatch(key):
        raise StorageError(
            f"{path} does not hold a key of 64 hexadecimal digits: restore it from a backup; or delete it to have a new one "
            "made, which gives all contributors without an account other ids"
        )
    return key


def _make(path: Path) -> None:
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_hex(32).encode())
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):  # somebody else was faster: that key counts
            os.link(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
