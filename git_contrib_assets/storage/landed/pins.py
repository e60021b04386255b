"""Landing as the tables of one subject were built from it: links to the files as they were then."""

import contextlib
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from git_contrib_assets.errors import StorageError
from git_contrib_assets.storage.files import storage_errors

_ATTEMPTS = 10


def link_or_copy(file: Path, to: Path) -> None:
    """Make ``to`` another name of ``file``; a copy on a file system without links. Raises FileNotFoundError, OSError."""
    try:
        to.hardlink_to(file)
    except FileNotFoundError:
        raise
    except OSError:
        shutil.copyfile(file, to)


def pin(landing: Path, names: Sequence[str], to: Path, *, link: Callable[[Path, Path], None] = link_or_copy) -> None:
    """Keep the files ``names`` of the landing folder as they are now, in the folder ``to``.

    Landing files are replaced whole, so a link goes on to show what the file was. Crawls of other runs land while tables
    are built, and tables of two states do not add up. A name with a slash at its end is a folder of Parquet files. The
    caller holds the warehouse lock. Raises StorageError if files come and go all the time.
    """
    new, old = (to.with_name(f"{to.name}.{name}") for name in ("new", "old"))
    with storage_errors(to):
        for _ in range(_ATTEMPTS):
            shutil.rmtree(new, ignore_errors=True)
            with contextlib.suppress(FileNotFoundError):  # a file was set aside or merged with others just now
                _link_all(landing, names, new, link)
                break
        else:
            raise StorageError(f"Files of {landing} come and go: is another program at work there? Run again")
        shutil.rmtree(old, ignore_errors=True)
        with contextlib.suppress(FileNotFoundError):
            to.rename(old)
        new.rename(to)
        shutil.rmtree(old, ignore_errors=True)


def _link_all(landing: Path, names: Sequence[str], to: Path, link: Callable[[Path, Path], None]) -> None:
    to.mkdir(mode=0o700)
    for name in names:
        if name.endswith("/"):
            (to / name).mkdir(mode=0o700)
            for file in (landing / name).glob("*.parquet"):
                link(file, to / name / file.name)
        elif name.endswith(".ndjson"):  # it grows: a link would show lines of later
            shutil.copyfile(landing / name, to / name)
        else:
            link(landing / name, to / name)
