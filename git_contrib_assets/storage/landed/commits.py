"""Landed commits: one Parquet file per repository, in one order; its footer says of which tip it is."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from git_contrib_assets.arrow import arrow_schema
from git_contrib_assets.errors import HistoryCorrupt, LandingFileCorrupt
from git_contrib_assets.records import COMMIT_COLUMNS
from git_contrib_assets.sources.histories.protocol import COMMIT_SCHEMA, History
from git_contrib_assets.storage.files import put_in_place, replacing, staging, storage_errors, sweep
from git_contrib_assets.storage.landed.addresses import normalised
from git_contrib_assets.storage.landed.folder import LandedFolder, corrupt
from git_contrib_assets.storage.landed.sorted_commits import in_order
from git_contrib_assets.tables import DEFINITION_VERSION, Column, Table

COMMITS = Table(
    name="commits",
    layer="landing",
    grain="One row per commit reachable from the tip of a repository's default branch, merges included",
    key=("repository_id", "sha"),
    order=("committed_at", "sha"),
    columns=(
        Column("repository_id", "BIGINT", "GitHub's numeric id: it survives renames and transfers", nullable=False),
        *COMMIT_COLUMNS,
    ),
)
LANDED_COMMIT_SCHEMA = arrow_schema(COMMITS.columns, unit="ms")
_FOOTER = b"git_contrib"
_PARQUET_OPTIONS: dict[str, Any] = {
    "compression": "zstd",
    "use_dictionary": ["author_name", "author_email"],  # a dictionary of shas only costs space
    "write_page_checksum": True,
}


@dataclass(frozen=True)
class LandedHistory:
    """What a commit file's footer says of it. Times are UTC without a zone."""

    repository_id: int
    tip: str | None
    default_branch: str | None
    listed_branch: str | None
    source: str
    fetched_at: datetime
    pushed_at: datetime | None
    listed_at: datetime
    commits: int
    emptied: bool = False
    definition_version: int = DEFINITION_VERSION
    repository: str | None = None
    """The name under which it was read; None in files of older versions."""


@dataclass(frozen=True)
class StagedHistory:
    """A history that lies beside its place, whole and durable. It counts once it is landed."""

    landed: LandedHistory
    temporary: Path
    file: Path

    def land(self) -> None:
        """Replace what was landed before, all at once. Raises StorageError."""
        put_in_place(self.temporary, self.file)

    def drop(self) -> None:
        """Throw it away, unless it is landed."""
        self.temporary.unlink(missing_ok=True)


class LandedCommits:
    """Reads and replaces the commit files. Writers hold the landing lock."""

    def __init__(self, files: LandedFolder) -> None:
        self._files = files
        self.folder = files.path / "commits"

    def prepare(self) -> None:
        """Make the folder and remove what killed writers left."""
        with storage_errors(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            sweep(self.folder)
        none = self.file(0)
        if not none.exists():  # no repository has the id 0: this file shows the columns from the first day
            with replacing(none) as temporary:
                pq.write_table(LANDED_COMMIT_SCHEMA.empty_table(), temporary)

    def file(self, repository_id: int) -> Path:
        """Where a repository's commits are."""
        return self.folder / f"{repository_id}.parquet"

    def landed(self, repository_id: int) -> LandedHistory | None:
        """What is landed of a repository, or None. A file that is damaged is set aside and counts as none.

        Every page is read and its checksum compared (0.3 s per million commits): DuckDB does not look at the checksums,
        and a damaged page that still reads as values would make wrong counts.
        """
        path = self.file(repository_id)
        if not path.exists():
            return None
        try:
            return _read_through(path)
        except (OSError, pa.ArrowException, KeyError, ValueError, TypeError) as error:
            self._files.set_aside(path, f"{type(error).__name__}: {error}")
            return None

    def verify(self) -> list[LandingFileCorrupt]:
        """Read every file whole; set aside those that cannot be read, one error each."""
        files = sorted(self.folder.glob("*.parquet"))
        return [corrupt(path) for path in files if path.stem != "0" and self.landed(int(path.stem)) is None]

    def stage(self, landed: LandedHistory, history: History) -> StagedHistory:
        """Write a history in order, beside the repository's file, which stays as it is until the new one is landed.

        Only what is new is read of a history ``since`` the landed tip: the rest comes from the file. ``landed.commits`` is
        counted here. Raises what reading the history raises, HistoryCorrupt for a commit that comes twice, and
        StorageError.
        """
        path = self.file(landed.repository_id)
        before = None if history.since is None else self._landed_tables(path)
        with (
            staging(path) as temporary,
            in_order(history.batches, temporary, landed=before) as tables,
            pq.ParquetWriter(temporary, LANDED_COMMIT_SCHEMA, **_PARQUET_OPTIONS) as writer,
        ):
            commits, last = 0, ""
            for group in self._groups(batch for table in tables for batch in table.to_batches()):
                shas = group["sha"].combine_chunks()
                if last == shas[0].as_py() or pc.any(pc.equal(shas[1:], shas[:-1])).as_py():
                    name = landed.repository or f"Repository {landed.repository_id}"
                    raise HistoryCorrupt(f"{name}: a commit came twice: run again")
                last = shas[-1].as_py()
                repository_id = pa.repeat(pa.scalar(landed.repository_id, pa.int64()), group.num_rows)
                writer.write_table(group.add_column(0, LANDED_COMMIT_SCHEMA.field(0), repository_id))
                commits += group.num_rows
            done = replace(landed, commits=commits)
            writer.add_key_value_metadata({_FOOTER: orjson.dumps(done)})
        return StagedHistory(done, temporary, path)

    def stamp(self, landed: LandedHistory) -> None:
        """Give a repository's file a new footer, its commits untouched."""
        path = self.file(landed.repository_id)
        with replacing(path) as temporary, pq.ParquetFile(path) as old:
            with pq.ParquetWriter(temporary, LANDED_COMMIT_SCHEMA, **_PARQUET_OPTIONS) as writer:
                for group in self._groups(old.iter_batches(self._files.rows_per_group)):
                    writer.write_table(group)
                writer.add_key_value_metadata({_FOOTER: orjson.dumps(landed)})

    def first_shas(self, repository_id: int) -> dict[str, str]:
        """Per author address of a repository, normalised, one commit that bears it (the smallest sha).

        Raises LandingFileCorrupt for a file that cannot be read: it is set aside.
        """
        path, found = self.file(repository_id), []
        try:
            with pq.ParquetFile(path) as file:
                for batch in file.iter_batches(
                    self._files.rows_per_group, columns=["author_email", "sha"], use_threads=False
                ):
                    table = pa.table({"email": normalised(batch["author_email"]), "sha": batch["sha"]})
                    found.append(table.group_by("email", use_threads=False).aggregate([("sha", "min")]))
        except (OSError, pa.ArrowException) as error:
            self._files.set_aside(path, f"{type(error).__name__} in its data")
            raise corrupt(path) from error
        if not found:
            return {}
        merged = pa.concat_tables(found).group_by("email", use_threads=False).aggregate([("sha_min", "min")])
        return dict(zip(merged["email"].to_pylist(), merged["sha_min_min"].to_pylist(), strict=True))

    def _groups(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
        """Batches put together to row groups of a size that reads well, with bounded memory."""
        waiting: list[pa.RecordBatch] = []
        rows = 0
        for batch in batches:
            waiting.append(batch)
            rows += batch.num_rows
            if rows >= self._files.rows_per_group:
                yield pa.Table.from_batches(waiting)
                waiting, rows = [], 0
        if waiting:
            yield pa.Table.from_batches(waiting)

    def _landed_tables(self, path: Path) -> Iterator[pa.Table]:
        """The commits of a file as the sources deliver them."""
        try:
            with pq.ParquetFile(path) as file:
                for batch in file.iter_batches(
                    self._files.rows_per_group, columns=COMMIT_SCHEMA.names, use_threads=False
                ):
                    yield pa.Table.from_batches([batch]).cast(COMMIT_SCHEMA)
        except (OSError, pa.ArrowException) as error:
            self._files.set_aside(path, f"{type(error).__name__} in its data")
            raise corrupt(path) from error


def _read_through(path: Path) -> LandedHistory:
    with pq.ParquetFile(path, page_checksum_verification=True) as file:
        if not file.schema_arrow.equals(LANDED_COMMIT_SCHEMA):
            raise ValueError("its columns are not ours")
        text = orjson.loads(file.metadata.metadata[_FOOTER])
        rows = sum(batch.num_rows for batch in file.iter_batches(use_threads=False))
    if rows != text["commits"]:
        raise ValueError("rows and footer differ")
    for name in ("fetched_at", "pushed_at", "listed_at"):
        text[name] = datetime.fromisoformat(text[name]) if text[name] else None
    return LandedHistory(**{field.name: text[field.name] for field in fields(LandedHistory) if field.name in text})
