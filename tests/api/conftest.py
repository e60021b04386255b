"""Snapshots made by hand, and a client of an app over them."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

import anyio
import catalogue_rows
import duckdb
import httpx
import pyarrow
import pytest
from catalogue_rows import TOKEN
from fastapi import FastAPI
from pydantic import SecretStr

from api.kit import models
from api.kit.problems import ProblemError
from api.kit.settings import Settings
from api.kit.store import SnapshotStore
from api.main import create_app
from git_contrib_assets.serving.contract import CHECKED_FILE, CURRENT_LINK, Publication, catalogue
from git_contrib_assets.serving.contract.contributors import PUBLICATION

Rows = Sequence[Mapping[str, Any]]
# for what is not about the bound on a query's time: a machine that halts for a moment must not reach it
PATIENCE = 120.0
# the published times are UTC without saying so
at = datetime.fromisoformat


def repository(number: int, full_name: str, **columns: Any) -> dict[str, Any]:
    """A row of the table of repositories, complete unless told otherwise."""
    owner, name = full_name.split("/")
    return {
        "repository_id": number,
        "repository": full_name,
        "owner_id": 1,
        "owner": owner,
        "name": name,
        "created_at": at("2016-01-15T10:30:00"),
        "default_branch": "main",
        "is_fork": False,
        "is_archived": False,
        "stars": 10 * number,
        "language": "Python",
        "state": "complete",
        "state_reason": None,
        "state_since": at("2017-01-01T00:00:00"),
        "collected_at": at("2017-07-04T05:06:07"),
        "tip": f"{number:040x}",
        "commits": 0,
        "contributors": 0,
        "bots": 0,
        "first_commit_at": None,
        "last_commit_at": None,
        **columns,
    }


def series(
    of: Mapping[str, Any], first: date, newcomers: Sequence[int], bots: Sequence[int] | None = None
) -> list[dict[str, Any]]:
    """Rows of months without a hole, from the first on."""
    rows, total = [], 0
    for index, count in enumerate(newcomers):
        total += count
        month = first.month - 1 + index
        rows.append(
            {
                "repository_id": of["repository_id"],
                "repository": of["repository"],
                "date": date(first.year + month // 12, month % 12 + 1, 1),
                "number_of_new_contributors": count,
                "number_of_new_bots": bots[index] if bots else 0,
                "cumulative_contributors": total,
                "is_fork": of["is_fork"],
            }
        )
    return rows


@dataclass
class Published:
    """The folder of snapshots of a home, written as the publisher writes it."""

    folder: Path
    publication: Publication = PUBLICATION
    ids: list[str] = field(default_factory=list)

    def other(self, publication: Publication) -> "Published":
        """The folder of another publication of the same home."""
        return Published(publication.folder(self.folder), publication)

    def write(self, snapshot_id: str, tables: Mapping[str, Rows], **snapshot: Any) -> Path:
        """Write a snapshot file, without switching to it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        row: dict[str, Any] = {
            "snapshot_id": snapshot_id,
            "built_at": at("2017-07-04T06:00:00"),
            "checked_at": at("2017-07-04T06:00:00"),
            "as_of": at("2017-07-04T05:00:00"),
            "complete_through": date(2017, 6, 30),
            "identity": "partial",
            "emails": 12,
            "emails_not_asked": 3,
            "definition_version": 1,
            "contract_version": 1,
            "fingerprint": "f",
            **snapshot,
        }
        path = self.folder / f"{snapshot_id}.duckdb"
        connection = duckdb.connect(str(path))
        for table in self.publication.all_tables:
            name, columns = table.published_name, {column.name: column.type for column in table.columns}
            connection.execute(f"create table {name} ({', '.join(' '.join(pair) for pair in columns.items())})")
            rows: Rows = [row] if name == "snapshot" else tables.get(name, [])
            if rows:
                arrow = pyarrow.Table.from_pylist([{key: one.get(key) for key in columns} for one in rows])
                connection.register("made_rows", arrow)
                connection.execute(f"insert into {name} by name from made_rows")
                connection.unregister("made_rows")
        connection.close()
        return path

    def switch(self, snapshot_id: str) -> None:
        """Let the link point to a snapshot, atomically."""
        new_link = self.folder / "next"
        new_link.symlink_to(f"{snapshot_id}.duckdb")
        new_link.replace(self.folder / CURRENT_LINK)

    def publish(self, snapshot_id: str, tables: Mapping[str, Rows], **snapshot: Any) -> None:
        """Write a snapshot and switch to it."""
        self.write(snapshot_id, tables, **snapshot)
        self.switch(snapshot_id)

    def checked(self, snapshot_id: str, at: str, **more: str) -> None:
        """Say that the snapshot's tables were found current again."""
        path = self.folder / CHECKED_FILE
        path.write_text(json.dumps({"snapshot_id": snapshot_id, "checked_at": at, **more}))


def made_tables() -> dict[str, Rows]:
    """Eight repositories, one for each thing that can be special about one."""
    anvil = repository(
        1,
        "acme/anvil",
        commits=90,
        contributors=23,
        bots=1,
        first_commit_at=at("2016-02-03T00:00:00"),
        last_commit_at=at("2017-07-03T23:59:59"),
    )
    fork = repository(2, "acme/fork", is_fork=True, contributors=4, language=None, default_branch="=cmd()")
    empty = repository(3, "acme/empty", state="empty", tip=None, is_archived=True)
    pending = repository(4, "acme/pending", state="pending", collected_at=None, tip=None)
    failed = repository(5, "acme/failed", state="failed", state_reason="history_unavailable", contributors=2)
    vanished = repository(6, "acme/again", state="vanished", contributors=5)
    again = repository(8, "acme/again", contributors=1)
    other = repository(7, "umbrella/anvil", contributors=3, owner_id=2)
    months = [
        *series(anvil, date(2016, 1, 1), [0, 3, 1, 0, 0, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 4, 2, 1], [0, 1] + [0] * 17),
        *series(fork, date(2017, 5, 1), [4, 0, 0]),
        *series(empty, date(2016, 1, 1), [0] * 19),
        *series(failed, date(2016, 1, 1), [2] + [0] * 18),
        *series(vanished, date(2015, 1, 1), [5, 0]),
        *series(again, date(2017, 7, 1), [1]),
        *series(other, date(2016, 2, 1), [1, 2] + [0] * 16),
    ]
    first_commit = {
        "repository_id": 1,
        "repository": "acme/anvil",
        "contributor_id": "c1",
        "login": "wile",
        "is_bot": False,
        "first_commit_at": at("2016-02-03T00:00:00"),
        "first_commit_sha": "0" * 40,
        "date": date(2016, 2, 1),
    }
    contributor = {
        "contributor_id": "c1",
        "login": "wile",
        "name": "Wile E.",
        "is_bot": False,
        "identity": "account",
        "repositories": 1,
        "first_commit_at": at("2016-02-03T00:00:00"),
    }
    owners = [
        {"owner_id": 1, "owner": "acme", "type": "Organization", "repositories": 7},
        {"owner_id": 2, "owner": "umbrella", "type": "User", "repositories": 1},
    ]
    repositories = [anvil, fork, empty, pending, failed, vanished, again, other]
    return {
        "repositories": sorted(repositories, key=lambda row: (row["repository"], row["repository_id"])),
        "monthly_new_contributors": sorted(months, key=lambda row: (row["repository"], row["date"])),
        "first_commits": [first_commit],
        "contributors": [contributor],
        "owners": owners,
    }


@pytest.fixture(scope="session")
def snapshots_in() -> Callable[[Path], Published]:
    """A folder of snapshots at any path."""
    return Published


@pytest.fixture
def published(tmp_path: Path) -> Published:
    """The folder of snapshots of an empty home."""
    return Published(tmp_path / "published")


@pytest.fixture(scope="session")
def made_snapshot(tmp_path_factory: pytest.TempPathFactory) -> Published:
    """A home with one snapshot that no test changes."""
    made = Published(tmp_path_factory.mktemp("home") / "published")
    made.publish("20170704T0600Z-made", made_tables())
    made.other(catalogue.PUBLICATION).publish("20170704T0600Z-listed", catalogue_rows.public_tables())
    made.other(catalogue.PRIVATE_PUBLICATION).publish("20170704T0600Z-private", catalogue_rows.private_tables())
    return made


@pytest.fixture
def tables() -> dict[str, Rows]:
    """The rows of the made snapshot, to publish with a change."""
    return made_tables()


@pytest.fixture(scope="session")
def make_repository() -> Callable[..., dict[str, Any]]:
    """Makes a row of the table of repositories."""
    return repository


@pytest.fixture(scope="session")
def make_series() -> Callable[..., list[dict[str, Any]]]:
    """Makes the months of a repository."""
    return series


@pytest.fixture
def settings(published: Published) -> Settings:
    """Settings that look at the link on each request, so that no test has to wait."""
    return Settings(published=published.folder, look_every_seconds=0, query_seconds=PATIENCE, token=SecretStr(TOKEN))


@pytest.fixture(scope="session")
def made_settings(made_snapshot: Published) -> Settings:
    """Settings for the made snapshot: DuckDB opens a file twice in one process only with the same bounds."""
    return Settings(published=made_snapshot.folder, query_seconds=PATIENCE, token=SecretStr(TOKEN))


@pytest.fixture(scope="session")
def made_app(made_settings: Settings) -> Iterator[FastAPI]:
    """The app over the made snapshot, built once because its routes take a moment to build."""
    app = create_app(made_settings)
    yield app
    close(app)


def close(app: FastAPI) -> None:
    """Close whatever the app has open."""
    for store in (*app.state.public_stores, app.state.private_catalogue):
        if store is not None:
            store.close()


@pytest.fixture
async def client(made_app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the app over the made snapshot."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(made_app), base_url="http://test") as opened:
        yield opened


@pytest.fixture
async def own_client(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an app over the test's own home, which holds nothing yet."""
    app = create_app(settings)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as opened:
        yield opened
    close(app)


@pytest.fixture(scope="session")
def until_open() -> Callable[[SnapshotStore], Awaitable[None]]:
    """Asks for a lease until there is one: a short bound on a query's time is one on each query of the opening, too."""

    async def ask(store: SnapshotStore) -> None:
        with anyio.fail_after(PATIENCE):
            while store.latest() is None:
                with suppress(ProblemError):
                    async with store.lease():
                        pass

    return ask


@pytest.fixture(scope="session")
def problem_of() -> Callable[[httpx.Response, int, str], dict[str, Any]]:
    """Asserts that an answer is a problem of the one shape there is, and gives its body."""

    def check(answer: httpx.Response, status: int, kind: str) -> dict[str, Any]:
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["access-control-allow-origin"] == "*"
        assert "etag" not in answer.headers
        assert ("retry-after" in answer.headers) == (status in {429, 503})
        body: dict[str, Any] = answer.json()
        models.ProblemAnswer.model_validate(body)
        assert body["type"] == f"/problems/{kind}"
        assert body["status"] == status
        assert body["instance"] == answer.request.url.path
        assert body["request_id"] == answer.headers["x-request-id"]
        assert body["title"]
        assert body["detail"].endswith((".", "?"))
        for error in body["errors"]:
            assert error["parameter"] in body["detail"]
        is_legacy = answer.request.url.path == "/api/repos"
        assert ("error_code" in body) == ("description" in body) == is_legacy
        return body

    return check
