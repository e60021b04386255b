"""Histories made by hand: landing files written by the real landing zone, and the tables that the real selects make of them."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from git_contrib_assets.definitions import defs
from git_contrib_assets.records import AccountAnswer, Attempt, AttemptState, Repository
from git_contrib_assets.serving.contract import Publication
from git_contrib_assets.serving.contract.contributors import PUBLICATION
from git_contrib_assets.serving.publish import Published, publish
from git_contrib_assets.sources.histories.protocol import COMMIT_SCHEMA, History
from git_contrib_assets.storage.home import Home
from git_contrib_assets.storage.landed.commits import LandedHistory
from git_contrib_assets.storage.landing_zone import LandingZone
from git_contrib_assets.storage.warehouse import attach_landing, build_table, open_warehouse

NOW = datetime.fromisoformat("2021-03-15T12:00:00")
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
at = datetime.fromisoformat
_shas = itertools.count(1)

Row = dict[str, Any]


@dataclass(frozen=True)
class Commit:
    """A commit as git tells it."""

    email: str
    name: str
    authored_at: datetime
    committed_at: datetime
    sha: str
    parents: int = 1


def commit(
    email: str = "ann@example.com",
    when: str | datetime = "2020-05-10T12:00:00",
    *,
    name: str = "Ann",
    committed: str | datetime | None = None,
    sha: str | None = None,
    parents: int = 1,
) -> Commit:
    """A commit of Ann's in May 2020, committed when it was authored, unless told otherwise."""
    authored_at = at(when) if isinstance(when, str) else when
    committed_at = at(committed) if isinstance(committed, str) else committed
    return Commit(email, name, authored_at, committed_at or authored_at, sha or f"{next(_shas):040x}", parents)


def history(commits: Sequence[Commit], *, batch_rows: int = 1000) -> History:
    """The commits as a source delivers them."""

    def batches() -> Iterator[pa.RecordBatch]:
        for start in range(0, len(commits), batch_rows):
            some = commits[start : start + batch_rows]
            columns = [
                [one.sha for one in some],
                [one.parents for one in some],
                [one.name for one in some],
                [one.email for one in some],
                [one.authored_at for one in some],
                [one.committed_at for one in some],
            ]
            arrays = [
                pa.array(column, schema_field.type) for column, schema_field in zip(columns, COMMIT_SCHEMA, strict=True)
            ]
            yield pa.RecordBatch.from_arrays(arrays, schema=COMMIT_SCHEMA)

    tip = commits[0].sha if commits else None
    return History(tip=tip, default_branch="main" if commits else None, requests=1, batches=batches())


@dataclass
class MadeHome:
    """A home whose landing files are written by hand. The marts are built when they are first read."""

    root: Path
    as_of: datetime = NOW
    home: Home = field(init=False)
    landing: LandingZone = field(init=False)
    listed: dict[int, Repository] = field(default_factory=dict)
    rows_per_group: int = 32_000
    _tables: dict[str, list[Row]] | None = None

    def __post_init__(self) -> None:
        self.home = Home(self.root)
        self.home.prepare()
        self.landing = LandingZone(self.home, rows_per_group=self.rows_per_group)
        self.landing.prepare()

    # What lands

    def repository(
        self,
        *commits: Commit,
        repository_id: int = 1,
        name: str | None = None,
        created: str | datetime | None = "2020-01-20T00:00:00",
        never_read: bool = False,
        batch_rows: int = 1000,
        **columns: Any,
    ) -> None:
        """List a repository and land its history."""
        full_name = name or ("acme/anvil", "acme/bolt", "acme/crate", "acme/drum")[(repository_id - 1) % 4]
        owner, short = full_name.split("/")
        listed = Repository(
            repository_id=repository_id,
            repository=full_name,
            owner_id=1,
            owner=owner,
            owner_type="Organization",
            name=short,
            is_private=False,
            is_fork=False,
            is_archived=False,
            default_branch="main",
            created_at=at(created) if isinstance(created, str) else created,
            pushed_at=self.as_of - DAY,
            stars=7,
            language="Python",
            target=owner,
            first_seen_at=self.as_of - 30 * DAY,
            listed_at=self.as_of,
        )
        self.listed[repository_id] = replace(listed, **columns)
        self.landing.repositories.write(self.listed.values())
        if not never_read:
            self.land(repository_id, commits, batch_rows=batch_rows)
        self._tables = None

    def land(self, repository_id: int, commits: Sequence[Commit], *, batch_rows: int = 1000) -> None:
        """Replace the history of a repository."""
        of = self.listed[repository_id]
        made = history(commits, batch_rows=batch_rows)
        landed = LandedHistory(
            repository_id=repository_id,
            tip=made.tip,
            default_branch=made.default_branch,
            listed_branch=of.default_branch,
            source="git",
            fetched_at=self.as_of - SECOND,
            pushed_at=of.pushed_at,
            listed_at=of.listed_at,
            commits=0,
        )
        land_history(self.landing, landed, made)
        self._tables = None

    def answer(
        self, email: str, account_id: int | None, login: str | None = None, *, asked: str | datetime = "2021-03-01"
    ) -> None:
        """Land an answer of GitHub's: who owns the address, or nobody."""
        asked_at = at(asked) if isinstance(asked, str) else asked
        self.answers([AccountAnswer(email, account_id, login, asked_at, "graphql")])

    def answers(self, answers: Iterable[AccountAnswer]) -> None:
        """Land answers in one file."""
        self.landing.accounts.add(list(answers))
        self._tables = None

    def attempt(
        self,
        state: AttemptState,
        *,
        repository_id: int = 1,
        started: str = "2021-03-14",
        reason: str | None = None,
        message: str | None = None,
    ) -> None:
        """Land a line of the crawl log."""
        name = self.listed[repository_id].repository
        started_at = at(started)
        self.landing.crawl_log.append(
            Attempt("run", repository_id, name, state, started_at, 1.0, "git", None, 0, 1, reason, message)
        )
        self._tables = None

    # What comes of it

    def build(self) -> None:
        """Build all tables in the order of the asset graph, and keep what is in the marts."""
        with self.building():
            pass

    def publish(self, as_of: datetime | None = None, publication: Publication = PUBLICATION) -> Published:
        """Build, then publish."""
        with self.building() as connection:
            return publish(connection, self.home, publication, as_of=as_of or self.as_of)

    @property
    def folder_of_snapshots(self) -> Path:
        """Where what is published lies."""
        return PUBLICATION.folder(self.home.published)

    @contextmanager
    def building(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """The warehouse, open, with all tables just built."""
        with self.warehouse() as connection:
            self._build(connection)
            yield connection

    def _build(self, connection: duckdb.DuckDBPyConnection) -> None:
        build_everything(connection, self.as_of, self.landing.key().decode())
        names = [name for layer, name in tables_in_order() if layer == "marts"]
        self._tables = {name: rows(connection, f"from marts.{name}") for name in names}

    @contextmanager
    def warehouse(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """The warehouse, open."""
        with open_warehouse(self.home) as connection:
            yield connection

    def query(self, text: str) -> list[Row]:
        """Rows of a query on the tables as they follow from what is landed."""
        with self.building() if self._tables is None else self.warehouse() as connection:
            return rows(connection, text)

    def table(self, name: str) -> list[Row]:
        """All rows of a mart, in the order in which it was built."""
        if self._tables is None:  # in memory: to open a file costs more than to build what is in it
            with duckdb.connect(config={"threads": 1}) as connection:
                attach_landing(connection, self.home.landing)
                self._build(connection)
        assert self._tables is not None
        return self._tables[name]

    def months(self, repository_id: int = 1) -> dict[str, int]:
        """Newcomers of each month of a repository, zeros included."""
        return self._monthly("number_of_new_contributors", repository_id)

    def bots(self, repository_id: int = 1) -> dict[str, int]:
        """Newcomers of each month that are bots, months without any left out."""
        return {month: number for month, number in self._monthly("number_of_new_bots", repository_id).items() if number}

    def newcomers(self, repository_id: int = 1) -> dict[str, int]:
        """Newcomers of each month of a repository that had any."""
        return {month: number for month, number in self.months(repository_id).items() if number}

    def totals(self, repository_id: int = 1) -> dict[str, int]:
        """The running total of each month of a repository."""
        return self._monthly("cumulative_contributors", repository_id)

    def first_commits(self, repository_id: int = 1) -> list[Row]:
        """The first commits of a repository, earliest first."""
        return [row for row in self.table("first_commits") if row["repository_id"] == repository_id]

    def contributors(self) -> list[Row]:
        """All contributors, earliest first."""
        return self.table("contributors")

    def repositories(self) -> list[Row]:
        """All repositories by name."""
        return self.table("repositories")

    def _monthly(self, column: str, repository_id: int) -> dict[str, int]:
        of = [row for row in self.table("monthly_new_contributors") if row["repository_id"] == repository_id]
        return {row["date"].isoformat()[:7]: row[column] for row in of}


def rows(connection: duckdb.DuckDBPyConnection, text: str) -> list[Row]:
    """The rows of a query, by column name."""
    result = connection.execute(text)
    names = [column[0] for column in result.description]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


@cache
def tables_in_order(subject: str = "contributors") -> tuple[tuple[str, str], ...]:
    """Layer and name of every table of a subject's warehouse, each after those it depends on, as the asset graph says."""
    graph = defs.resolve_asset_graph()
    ours = [key for key in graph.toposorted_asset_keys if str(graph.get(key).group_name).startswith(f"{subject}/")]
    return tuple((key.path[0], key.path[1]) for key in ours if key.path[0] in {"warehouse", "marts"})


def build_everything(
    connection: duckdb.DuckDBPyConnection, as_of: datetime, key: str, subject: str = "contributors"
) -> None:
    """Build all tables of a subject, as the assets do."""
    for layer, name in tables_in_order(subject):
        build_table(connection, layer, name, {"as_of": as_of, "key": key})


def month_after(month: date) -> date:
    """The first day of the next month."""
    return (month.replace(day=1) + timedelta(days=32)).replace(day=1)


def land_history(landing: LandingZone, landed: LandedHistory, history: History) -> LandedHistory:
    """Land a history as a crawl does."""
    staged = landing.commits.stage(landed, history)
    landing.accounts.add_as_written(history.answers.values())
    staged.land()
    return staged.landed
