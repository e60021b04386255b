"""What all kinds of landed records share: reading whole files, appending lines, and setting aside what cannot be read."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from git_contrib_assets.errors import LandingFileCorrupt
from git_contrib_assets.storage.files import storage_errors


@dataclass(frozen=True)
class LandedFolder:
    """The folder ``landing`` of a home."""

    path: Path
    rows_per_group: int = 32_000
    """Rows per Parquet row group, and per batch when a file is read."""

    def read_whole(self, file: Path) -> pa.Table:
        """The rows of a Parquet file. Raises LandingFileCorrupt if it cannot be read; then it is set aside."""
        try:
            return pq.ParquetFile(file).read(use_threads=False)
        except (OSError, pa.ArrowException) as error:
            self.set_aside(file, f"{type(error).__name__} while reading")
            raise corrupt(file) from error

    def set_aside(self, file: Path, reason: str) -> None:
        """Move a landing file that cannot be read out of the way, and write down why."""
        folder = self.path / "set_aside"
        with storage_errors(folder):
            folder.mkdir(exist_ok=True)
            file.replace(folder / file.name)  # the newest of a name is enough
            line = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "file": file.name, "reason": reason}
            append_line(folder / "reasons.ndjson", orjson.dumps(line) + b"\n")

    def reject(self, kind: str, records: Iterable[tuple[bytes, str]]) -> None:
        """Keep records that made no sense, each with its reason."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        for record, reason in records:
            line = {"at": now, "subject": kind, "reason": reason, "record": record.decode("utf-8", "replace")}
            append_line(self.path / "rejected.ndjson", orjson.dumps(line) + b"\n")


def append_line(file: Path, line: bytes) -> None:
    """Append a line that ends in a line break, durable before this returns."""
    with storage_errors(file), file.open("a+b") as handle:
        if handle.seek(0, os.SEEK_END):
            handle.seek(-1, os.SEEK_END)
            line = line if handle.read(1) == b"\n" else b"\n" + line  # a kill cut the last line short
        handle.write(line)
        handle.flush()
        os.fsync(handle.fileno())


def corrupt(file: Path) -> LandingFileCorrupt:
    """The error for a landing file that was set aside."""
    return LandingFileCorrupt(
        f"The landing file {file.name} could not be read and was set aside: run again to fetch it again", path=file
    )
