"""The landing zone: raw records as files, the only state there is.

landing/
  repositories.parquet       one row per repository ever listed
  targets.json               per target: when it was last listed
  commits/<id>.parquet       one row per commit of the default branch; the footer says of which tip
  accounts/*.parquet         answers about e-mails, the newest counts
  crawl_log.ndjson           one line per repository and attempt
  rejected.ndjson            records that made no sense, with the reason
  set_aside/                 landing files that could not be read, with the reason
  key                        mode 0600: the key of the published hashes
  built_from/                links to the files of which the warehouse's tables were made
"""

import contextlib
import os
import secrets
import shutil
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from git_contrib_assets.errors import HistoryCorrupt, LandingFileCorrupt, StorageError
from git_contrib_assets.records import AccountAnswer, Attempt, AttemptState, Repository
from git_contrib_assets.sources.histories.protocol import COMMIT_SCHEMA, History
from git_contrib_assets.storage.files import replacing, storage_errors, sweep
from git_contrib_assets.storage.home import Home
from git_contrib_assets.storage.sorted_commits import in_order
from git_contrib_assets.tables import DEFINITION_VERSION

pa.set_memory_pool(pa.system_memory_pool())  # gives memory back between repositories; the default pool keeps it

_ROWS_PER_GROUP = 32_000
_FOOTER = b"git_contrib"
WHITESPACE = "\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f \x85\xa0"
"""What is trimmed off addresses and names, here and in ``warehouse/landing_views.sql``."""
_KEEP_ATTEMPTS = 30
_PIN_ATTEMPTS = 10
_COMPACT_LOG_BYTES = 4 << 20

REPOSITORY_SCHEMA = pa.schema(
    [
        pa.field("repository_id", pa.int64(), nullable=False),
        pa.field("repository", pa.string(), nullable=False),
        pa.field("owner_id", pa.int64(), nullable=False),
        pa.field("owner", pa.string(), nullable=False),
        pa.field("owner_type", pa.string(), nullable=False),
        pa.field("name", pa.string(), nullable=False),
        pa.field("is_private", pa.bool_(), nullable=False),
        pa.field("is_fork", pa.bool_(), nullable=False),
        pa.field("is_archived", pa.bool_(), nullable=False),
        pa.field("default_branch", pa.string()),
        pa.field("created_at", pa.timestamp("us")),
        pa.field("pushed_at", pa.timestamp("us")),
        pa.field("stars", pa.int64()),
        pa.field("language", pa.string()),
        pa.field("target", pa.string(), nullable=False),
        pa.field("first_seen_at", pa.timestamp("us"), nullable=False),
        pa.field("listed_at", pa.timestamp("us"), nullable=False),
        pa.field("missing_since", pa.timestamp("us")),
        pa.field("missing_reason", pa.string()),
    ]
)
ACCOUNT_SCHEMA = pa.schema(
    [
        pa.field("email", pa.string(), nullable=False),
        pa.field("account_id", pa.int64()),
        pa.field("login", pa.string()),
        pa.field("asked_at", pa.timestamp("us"), nullable=False),
        pa.field("method", pa.string(), nullable=False),
    ]
)
LANDED_COMMIT_SCHEMA = pa.schema([pa.field("repository_id", pa.int64(), nullable=False), *COMMIT_SCHEMA])


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


class LandingZone:
    """Reads and writes the landing files of one home. Writers hold the crawl lock."""

    def __init__(self, home: Home) -> None:
        self.folder = home.landing
        self.commits_folder = self.folder / "commits"
        self.accounts_folder = self.folder / "accounts"
        self.repositories_file = self.folder / "repositories.parquet"
        self.crawl_log_file = self.folder / "crawl_log.ndjson"
        self.pinned_folder = home.built_from

    def prepare(self) -> None:
        """Make the folders and the key, sweep what killed writers left, tidy. Only under the crawl lock."""
        with storage_errors(self.folder):
            for folder in (self.commits_folder, self.accounts_folder):
                folder.mkdir(parents=True, exist_ok=True)
            for folder in (self.folder, self.commits_folder, self.accounts_folder):
                sweep(folder)
        self.key()
        none = self.commits_folder / "0.parquet"
        if not none.exists():  # no repository has the id 0: this file keeps the columns there from the first day
            with replacing(none) as temporary:
                pq.write_table(LANDED_COMMIT_SCHEMA.empty_table(), temporary)
        if not self.repositories_file.exists():
            self.write_repositories([])
        with storage_errors(self.crawl_log_file):
            self.crawl_log_file.touch()
        self._compact_accounts()
        self._compact_log()

    def key(self) -> bytes:
        """The key of the published hashes; made at the first call."""
        path = self.folder / "key"
        with storage_errors(path):
            if path.exists():  # the sweep of a crawl would take what is only being made
                return path.read_bytes().strip()
            with contextlib.suppress(FileExistsError):
                temporary = path.with_name(f"key.{os.getpid()}.tmp")
                temporary.unlink(missing_ok=True)
                descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                with os.fdopen(descriptor, "wb") as file:
                    file.write(secrets.token_hex(32).encode())
                    file.flush()
                    os.fsync(file.fileno())
                try:
                    os.link(temporary, path)  # fails where there is a key already: it is never replaced
                finally:
                    temporary.unlink(missing_ok=True)
            return path.read_bytes().strip()

    def pin(self) -> None:
        """Keep the files as they are now for the tables: each is replaced whole, so a link goes on to show what it was.

        Crawls of other runs land while tables are built, and tables of two states do not add up. Under the warehouse lock.
        """
        new, old = (self.pinned_folder.with_name(f"{self.pinned_folder.name}.{name}") for name in ("new", "old"))
        with storage_errors(self.pinned_folder):
            for _ in range(_PIN_ATTEMPTS):
                shutil.rmtree(new, ignore_errors=True)
                with contextlib.suppress(FileNotFoundError):  # set aside, or made one of many, just now
                    self._link_all(new)
                    break
            else:
                raise StorageError(f"Files of {self.folder} come and go: is another program at work there? Run again")
            shutil.rmtree(old, ignore_errors=True)
            with contextlib.suppress(FileNotFoundError):
                self.pinned_folder.rename(old)
            new.rename(self.pinned_folder)
            shutil.rmtree(old, ignore_errors=True)

    def _link_all(self, to: Path) -> None:
        to.mkdir()
        for folder in (self.commits_folder, self.accounts_folder):
            (to / folder.name).mkdir()
            for file in folder.glob("*.parquet"):
                _link(file, to / folder.name / file.name)
        _link(self.repositories_file, to / self.repositories_file.name)
        shutil.copyfile(self.crawl_log_file, to / self.crawl_log_file.name)  # the one file that grows

    # Repositories

    def repositories(self) -> list[Repository]:
        """Every repository ever listed."""
        if not self.repositories_file.exists():
            return []
        return [Repository(**row) for row in self._read_whole(self.repositories_file).to_pylist()]

    def write_repositories(self, repositories: Iterable[Repository]) -> None:
        """Replace the list of all repositories."""
        rows = [asdict(repository) for repository in sorted(repositories, key=lambda one: one.repository_id)]
        with replacing(self.repositories_file) as temporary:
            pq.write_table(pa.Table.from_pylist(rows, REPOSITORY_SCHEMA), temporary)

    # Commits

    def commit_file(self, repository_id: int) -> Path:
        """Where a repository's commits are."""
        return self.commits_folder / f"{repository_id}.parquet"

    def landed(self, repository_id: int) -> LandedHistory | None:
        """What is landed of a repository, or None. A file that is damaged is set aside and counts as none.

        Every page is read and its checksum compared (0.3 s per million commits): DuckDB does not look at them, and
        a damaged page that still reads as values would make wrong counts.
        """
        path = self.commit_file(repository_id)
        if not path.exists():
            return None
        try:
            return _read_through(path)
        except (OSError, pa.ArrowException, KeyError, ValueError, TypeError) as error:
            self.set_aside(path, f"{type(error).__name__}: {error}")
            return None

    def write_commits(self, landed: LandedHistory, history: History) -> LandedHistory:
        """Put a history into the repository's file, in order; what was there is replaced at the end, all at once.

        Only what is new is read of a history ``since`` the landed tip: the rest comes from the file. What the source
        learned about accounts is kept too, before the commits. ``landed.commits`` is counted here. Raises what
        reading the history raises, HistoryCorrupt for a commit that comes twice, and StorageError.
        """
        path = self.commit_file(landed.repository_id)
        before = None if history.since is None else self._landed_tables(path)
        with (
            replacing(path) as temporary,
            in_order(history.batches, temporary, landed=before) as tables,
            pq.ParquetWriter(temporary, LANDED_COMMIT_SCHEMA, **_PARQUET_OPTIONS) as writer,
        ):
            commits, last = 0, ""
            for group in _groups(batch for table in tables for batch in table.to_batches()):
                shas = group["sha"].combine_chunks()
                if last == shas[0].as_py() or pc.any(pc.equal(shas[1:], shas[:-1])).as_py():
                    raise HistoryCorrupt(f"Repository {landed.repository_id}: a commit came twice: run again")
                last = shas[-1].as_py()
                repository_id = pa.repeat(pa.scalar(landed.repository_id, pa.int64()), group.num_rows)
                writer.write_table(group.add_column(0, LANDED_COMMIT_SCHEMA.field(0), repository_id))
                commits += group.num_rows
            done = LandedHistory(**{**asdict(landed), "commits": commits})
            writer.add_key_value_metadata({_FOOTER: _dump(done)})
            self.add_answers(_normalised(history.answers.values()))
        return done

    def _landed_tables(self, path: Path) -> Iterator[pa.Table]:
        """The commits of a file as the sources deliver them."""
        try:
            with pq.ParquetFile(path) as file:
                for batch in file.iter_batches(_ROWS_PER_GROUP, columns=COMMIT_SCHEMA.names, use_threads=False):
                    yield pa.Table.from_batches([batch]).cast(COMMIT_SCHEMA)
        except (OSError, pa.ArrowException) as error:
            self.set_aside(path, f"{type(error).__name__} in its data")
            raise _corrupt(path) from error

    def stamp(self, landed: LandedHistory) -> None:
        """Give a repository's file a new footer, its commits untouched."""
        path = self.commit_file(landed.repository_id)
        with replacing(path) as temporary, pq.ParquetFile(path) as old:
            with pq.ParquetWriter(temporary, LANDED_COMMIT_SCHEMA, **_PARQUET_OPTIONS) as writer:
                for group in _groups(old.iter_batches(_ROWS_PER_GROUP)):
                    writer.write_table(group)
                writer.add_key_value_metadata({_FOOTER: _dump(landed)})

    def first_shas(self, repository_id: int) -> dict[str, str]:
        """Per author address of a repository, normalised, one commit that bears it (the smallest sha).

        Raises LandingFileCorrupt for a file that cannot be read: it is set aside.
        """
        path, found = self.commit_file(repository_id), []
        try:
            with pq.ParquetFile(path) as file:
                for batch in file.iter_batches(_ROWS_PER_GROUP, columns=["author_email", "sha"], use_threads=False):
                    table = pa.table({"email": _normalised_emails(batch["author_email"]), "sha": batch["sha"]})
                    found.append(table.group_by("email", use_threads=False).aggregate([("sha", "min")]))
        except (OSError, pa.ArrowException) as error:
            self.set_aside(path, f"{type(error).__name__} in its data")
            raise _corrupt(path) from error
        if not found:
            return {}
        merged = pa.concat_tables(found).group_by("email", use_threads=False).aggregate([("sha_min", "min")])
        return dict(zip(merged["email"].to_pylist(), merged["sha_min_min"].to_pylist(), strict=True))

    # Accounts

    def answers(self) -> pa.Table:
        """The newest answer about each e-mail, as ACCOUNT_SCHEMA."""
        return _newest(self._answer_files_table())

    def add_answers(self, answers: Sequence[AccountAnswer]) -> None:
        """Keep answers, durable before this returns."""
        if not answers:
            return
        path = self.accounts_folder / f"{time.time_ns():020d}.parquet"
        with replacing(path) as temporary:
            pq.write_table(pa.Table.from_pylist([asdict(answer) for answer in answers], ACCOUNT_SCHEMA), temporary)

    def _answer_files_table(self) -> pa.Table:
        tables = [self._read_whole(path) for path in sorted(self.accounts_folder.glob("*.parquet"))]
        return pa.concat_tables([ACCOUNT_SCHEMA.empty_table(), *(table.cast(ACCOUNT_SCHEMA) for table in tables)])

    def _compact_accounts(self) -> None:
        """Make one file of many. The new name sorts last, so a kill in between only leaves answers twice."""
        paths = sorted(self.accounts_folder.glob("*.parquet"))
        if len(paths) == 1:
            return None
        try:
            answers = self.answers()
        except LandingFileCorrupt:
            return self._compact_accounts()  # that file is out of the way now; its addresses are asked again
        with replacing(self.accounts_folder / f"{time.time_ns():020d}.parquet") as temporary:
            pq.write_table(answers, temporary)
        for path in paths:
            path.unlink()
        return None

    # Crawl log

    def log(self, attempt: Attempt) -> None:
        """Append one attempt, whole or not at all."""
        self._append(self.crawl_log_file, orjson.dumps(attempt, option=orjson.OPT_NAIVE_UTC) + b"\n")

    def attempts(self) -> list[Attempt]:
        """All attempts that are kept, oldest first; a line that a kill cut short is left out."""
        return [_attempt(line) for line in self._log_lines()]

    def _log_lines(self) -> Iterator[dict[str, Any]]:
        if not self.crawl_log_file.exists():
            return
        for line in self.crawl_log_file.read_bytes().splitlines():
            with contextlib.suppress(orjson.JSONDecodeError):
                read = orjson.loads(line)
                if isinstance(read, dict) and read.keys() >= _ATTEMPT_FIELDS:
                    yield read

    def _compact_log(self) -> None:
        if not self.crawl_log_file.exists() or self.crawl_log_file.stat().st_size < _COMPACT_LOG_BYTES:
            return
        kept: dict[int, list[dict[str, Any]]] = {}
        for line in self._log_lines():
            rows = kept.setdefault(line["repository_id"], [])
            rows.append(line)
            del rows[:-_KEEP_ATTEMPTS]
        rows = sorted((row for rows in kept.values() for row in rows), key=lambda row: row["started_at"])
        with replacing(self.crawl_log_file) as temporary:
            temporary.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))

    # What made no sense

    def reject(self, subject: str, records: Iterable[tuple[bytes, str]]) -> None:
        """Keep records that made no sense, with the reason."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        for record, reason in records:
            line = {"at": now, "subject": subject, "reason": reason, "record": record.decode("utf-8", "replace")}
            self._append(self.folder / "rejected.ndjson", orjson.dumps(line) + b"\n")

    def set_aside(self, path: Path, reason: str) -> None:
        """Move a landing file that cannot be read out of the way, and write down why."""
        folder = self.folder / "set_aside"
        with storage_errors(folder):
            folder.mkdir(exist_ok=True)
            path.replace(folder / path.name)  # the newest of a name is enough
            line = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "file": path.name, "reason": reason}
            self._append(folder / "reasons.ndjson", orjson.dumps(line) + b"\n")

    def verify_commits(self) -> list[LandingFileCorrupt]:
        """Read every commit file whole; set aside those that cannot be, one error each."""
        files = sorted(self.commits_folder.glob("*.parquet"))
        return [_corrupt(path) for path in files if path.stem != "0" and self.landed(int(path.stem)) is None]

    def _read_whole(self, path: Path) -> pa.Table:
        try:
            return pq.ParquetFile(path).read(use_threads=False)
        except (OSError, pa.ArrowException) as error:
            self.set_aside(path, f"{type(error).__name__} while reading")
            raise _corrupt(path) from error

    def _append(self, path: Path, line: bytes) -> None:
        with storage_errors(path), path.open("a+b") as file:
            if file.seek(0, os.SEEK_END):
                file.seek(-1, os.SEEK_END)
                line = line if file.read(1) == b"\n" else b"\n" + line  # a kill cut the last one short
            file.write(line)
            file.flush()
            os.fsync(file.fileno())


_ATTEMPT_FIELDS = {field.name for field in fields(Attempt)}
_PARQUET_OPTIONS: dict[str, Any] = {
    "compression": "zstd",
    "use_dictionary": ["author_name", "author_email"],  # a dictionary of shas helps nobody
    "write_page_checksum": True,
}


def _link(file: Path, to: Path) -> None:
    try:
        to.hardlink_to(file)
    except FileNotFoundError:
        raise
    except OSError:  # where there are no links
        shutil.copyfile(file, to)


def _groups(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Batches put together to row groups of a size that reads well, with bounded memory."""
    waiting: list[pa.RecordBatch] = []
    rows = 0
    for batch in batches:
        waiting.append(batch)
        rows += batch.num_rows
        if rows >= _ROWS_PER_GROUP:
            yield pa.Table.from_batches(waiting)
            waiting, rows = [], 0
    if waiting:
        yield pa.Table.from_batches(waiting)


def _normalised_emails(written: pa.Array) -> pa.Array:
    return pc.utf8_lower(pc.utf8_trim(written, characters=WHITESPACE))


def _normalised(answers: Collection[AccountAnswer]) -> list[AccountAnswer]:
    """One answer for each address however it is written, blank ones left out; an account is worth more than nobody."""
    emails = _normalised_emails(pa.array([answer.email for answer in answers], pa.string())).to_pylist()
    found: dict[str, AccountAnswer] = {}
    for email, answer in zip(emails, answers, strict=True):
        if email and (email not in found or found[email].account_id is None):
            found[email] = replace(answer, email=email)
    return list(found.values())


def _newest(answers: pa.Table) -> pa.Table:
    ordered = answers.append_column("row", pa.array(range(answers.num_rows), pa.int64())).sort_by(
        [("asked_at", "ascending"), ("row", "ascending")]
    )
    position = pa.array(range(ordered.num_rows), pa.int64())
    last = (
        ordered.append_column("position", position)
        .group_by("email", use_threads=False)
        .aggregate([("position", "max")])["position_max"]
    )
    return ordered.take(last.combine_chunks()).drop_columns("row")


def _read_through(path: Path) -> LandedHistory:
    with pq.ParquetFile(path, page_checksum_verification=True) as file:
        if not file.schema_arrow.equals(LANDED_COMMIT_SCHEMA):
            raise ValueError("its columns are not ours")
        text = orjson.loads(file.metadata.metadata[_FOOTER])
        rows = sum(batch.num_rows for batch in file.iter_batches(_ROWS_PER_GROUP, use_threads=False))
    if rows != text["commits"]:
        raise ValueError("rows and footer differ")
    for name in ("fetched_at", "pushed_at", "listed_at"):
        text[name] = datetime.fromisoformat(text[name]) if text[name] else None
    return LandedHistory(**{field.name: text[field.name] for field in fields(LandedHistory)})


def _dump(landed: LandedHistory) -> bytes:
    return orjson.dumps(landed)


def _attempt(line: dict[str, Any]) -> Attempt:
    started_at = datetime.fromisoformat(line["started_at"]).replace(tzinfo=None)
    return Attempt(**{**line, "state": AttemptState(line["state"]), "started_at": started_at})


def _corrupt(path: Path) -> LandingFileCorrupt:
    return LandingFileCorrupt(
        f"The landing file {path.name} could not be read and was set aside: run again, it is fetched anew", path=path
    )
