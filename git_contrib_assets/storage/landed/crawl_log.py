"""The crawl log: one line per repository and attempt."""

import contextlib
from collections.abc import Iterator
from dataclasses import fields
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from git_contrib_assets.records import Attempt, AttemptState
from git_contrib_assets.storage.files import replacing, storage_errors
from git_contrib_assets.storage.landed.folder import LandedFolder, append_line
from git_contrib_assets.tables import Table, columns_of

CRAWL_LOG = Table(
    name="crawl_log",
    layer="landing",
    grain="One row per repository and attempt: how it ended, tip, commits, requests, seconds, and the reason of a failure",
    key=("run_id", "repository_id", "started_at"),
    order=("started_at",),
    columns=columns_of(Attempt),
)
_KEPT_PER_REPOSITORY = 30
_COMPACT_AT_BYTES = 4 << 20
_FIELDS = {field.name for field in fields(Attempt)}


class CrawlLog:
    """Reads and appends attempts. Writers hold the landing lock."""

    def __init__(self, files: LandedFolder) -> None:
        self._files = files

    @property
    def file(self) -> Path:
        """Where the log is."""
        return self._files.path / "crawl_log.ndjson"

    def prepare(self) -> None:
        """Make the file, and drop old attempts once it is large."""
        with storage_errors(self.file):
            self.file.touch()
        self._compact()

    def append(self, attempt: Attempt) -> None:
        """Append one attempt, whole or not at all."""
        append_line(self.file, orjson.dumps(attempt, option=orjson.OPT_NAIVE_UTC) + b"\n")

    def attempts(self) -> list[Attempt]:
        """All attempts that are kept, oldest first; a line that a kill cut short is left out."""
        return [_attempt(line) for line in self._lines()]

    def _lines(self) -> Iterator[dict[str, Any]]:
        if not self.file.exists():
            return
        for line in self.file.read_bytes().splitlines():
            with contextlib.suppress(orjson.JSONDecodeError):
                read = orjson.loads(line)
                if isinstance(read, dict) and read.keys() >= _FIELDS:
                    yield read

    def _compact(self) -> None:
        if self.file.stat().st_size < _COMPACT_AT_BYTES:
            return
        kept: dict[int, list[tuple[int, dict[str, Any]]]] = {}
        for place, line in enumerate(self._lines()):
            rows = kept.setdefault(line["repository_id"], [])
            rows.append((place, line))
            del rows[:-_KEPT_PER_REPOSITORY]
        # in the order in which they ended: a clock may have been wrong
        ordered = sorted((row for rows in kept.values() for row in rows), key=lambda row: row[0])
        with replacing(self.file) as temporary:
            temporary.write_bytes(b"".join(orjson.dumps(row) + b"\n" for _, row in ordered))


def _attempt(line: dict[str, Any]) -> Attempt:
    started_at = datetime.fromisoformat(line["started_at"]).replace(tzinfo=None)
    return Attempt(**{**line, "state": AttemptState(line["state"]), "started_at": started_at})
