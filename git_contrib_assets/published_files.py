"""The files of a publication: which there are, whether each is still as it was published, and why one cannot be read.

Standard library only.
"""

import contextlib
import hashlib
import json
import os
import re
from pathlib import Path

CURRENT_LINK = "current.duckdb"
CHECKED_FILE = "checked.json"
CHECKSUMS_FILE = "checksums.json"

_HOLDER = re.compile(r"\(PID \d+\)")
_LONGEST_CAUSE = 200


def current_target(folder: Path) -> Path | None:
    """The file that the link leads to, whether it is there or not; None without a link."""
    link = folder / CURRENT_LINK
    return Path(os.path.realpath(link)) if link.is_symlink() or link.exists() else None


def snapshot_files(folder: Path) -> list[Path]:
    """All snapshots of a folder, the newest first: their names begin with their times."""
    return sorted((path for path in folder.glob("*.duckdb") if not path.is_symlink()), reverse=True)


def checksum(file: Path) -> str:
    """The SHA-256 of a file, as hex digits. Raises OSError."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def published_checksums(folder: Path) -> dict[str, str]:
    """The checksum of each snapshot when it was published, by file name. Those of earlier versions have none."""
    with contextlib.suppress(OSError, ValueError):
        content = json.loads((folder / CHECKSUMS_FILE).read_bytes())
        if isinstance(content, dict):
            return {str(name): str(value) for name, value in content.items()}
    return {}


def damage(file: Path) -> str | None:
    """What is wrong with a snapshot, in words; None if it is as it was published, or if no checksum tells.

    A file that cannot be read at all is not judged here: opening it gives the reason.
    """
    expected = published_checksums(file.parent).get(file.name)
    with contextlib.suppress(OSError):
        if expected and checksum(file) != expected:
            return f"Snapshot {file.stem} is not as it was published: it is damaged, or another program has changed it"
    return None


def why_unreadable(file: Path, error: Exception) -> str:
    """Why a snapshot cannot be read, by its name, and what to do. ``error`` is what opening or reading it raised."""
    text, name = str(error), file.stem
    if "Could not set lock" in text:
        holder = _HOLDER.search(text)
        program = f"another program {holder[0]}" if holder else "another program"
        return (
            f"Snapshot {name} is locked: {program} has it open for writing. Close it there, and open published files "
            "read-only (read_only=True, or READ_ONLY in ATTACH)"
        )
    if isinstance(error, FileNotFoundError) or "No such file" in text or not file.exists():
        return f"Snapshot {name} is missing although the link names it: the next run publishes it again"
    if isinstance(error, PermissionError) or "Permission denied" in text:
        return f"Snapshot {name} cannot be opened: this user may not read it (permission denied)"
    if is_damage(error):
        cause = text.replace(str(file.parent), "published").splitlines()[0][:_LONGEST_CAUSE]
        return f"Snapshot {name} is damaged ({cause}): the next run publishes it again"
    cause = text.replace(str(file.parent), "published").splitlines()[0][:_LONGEST_CAUSE] if text else ""
    return f"Snapshot {name} cannot be read ({type(error).__name__}: {cause}): the next run publishes it again"


def is_damage(error: Exception) -> bool:
    """Whether what DuckDB raised is about the bytes of the file, and not about the question."""
    text = str(error)
    return any(sign in text for sign in ("Corrupt database file", "not a valid DuckDB", "enough bytes", "erializ"))
