"""The pointer is followed, and no request ever notices."""

import asyncio
import socket
import threading
from datetime import date
from pathlib import Path

import duckdb
import httpx
import pytest
import uvicorn

from api.main import create_app
from api.settings import Settings
from api.snapshot import SnapshotStore

SWITCHES = 30
CLIENTS = 8
ANSWERS_PER_SWITCH = 12
KEPT_FILES = 3


def numbered(number, make_repository, make_series):
    """A snapshot whose every row carries its number; another number has another number of rows, too."""
    repositories = [make_repository(one, f"acme/r{one}", contributors=number) for one in range(1, 4)]
    months = [
        row
        for one in repositories
        for row in make_series(one, date(2016, 1, 1), [number] * (5 + number % 7), [number] * (5 + number % 7))
    ]
    return {"repositories": repositories, "monthly_new_contributors": months}


async def test_no_request_fails_or_mixes_at_a_switch(published, make_repository, make_series):
    """Many switches under load on a real server, old files pruned as the publisher prunes them."""
    for number in range(SWITCHES + 1):
        published.write(f"s{number}", numbered(number, make_repository, make_series))
    published.switch("s0")
    app = create_app(Settings(published=published.folder, look_every_seconds=0))
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    address = f"http://127.0.0.1:{listening.getsockname()[1]}"
    answers, seen, current = 0, set(), 0
    paths = (
        "/v1/new-contributors?page_size=1000",
        "/api/repos?page_size=100",
        "/v1/repositories/acme/r2/new-contributors",
    )

    def check(answer: httpx.Response) -> int:
        assert answer.status_code == 200, answer.text
        body = answer.json()
        number = int(answer.headers["x-snapshot"].removeprefix("s"))
        assert body.get("snapshot", f"s{number}") == f"s{number}"
        assert {item["number_of_new_contributors"] for item in body["items"]} <= {number}
        rows = 5 + number % 7
        if "series" in body.get("links", {}):
            assert len(body["items"]) == rows
        elif number:
            assert len(body["items"]) == body["total_records"] == 3 * rows
        return number

    def switch() -> None:
        nonlocal current
        current += 1
        published.switch(f"s{current}")
        if current >= KEPT_FILES:
            (published.folder / f"s{current - KEPT_FILES}.duckdb").unlink()

    async def ask(client: httpx.AsyncClient, first: int) -> None:
        nonlocal answers
        turn, newest = first, 0
        while current < SWITCHES or newest < SWITCHES:
            number = check(await client.get(paths[turn % len(paths)]))
            assert number >= newest, "an answer is older than one before it on the same connection"
            newest = number
            seen.add(number)
            turn += 1
            answers += 1
            if answers % ANSWERS_PER_SWITCH == 0 and current < SWITCHES:
                switch()

    try:
        async with httpx.AsyncClient(base_url=address, timeout=10) as client, asyncio.timeout(30):
            await asyncio.gather(*(ask(client, first) for first in range(CLIENTS)))
    finally:
        server.should_exit = True
        thread.join(10)
    assert not thread.is_alive()
    assert current == SWITCHES
    assert len(seen) > SWITCHES / 3


async def test_a_lease_outlives_the_switch(published, settings, tables):
    """The old file is closed by its last request, not before."""
    published.publish("one", tables)
    store = SnapshotStore(settings)
    async with store.lease() as old:
        published.publish("two", tables)
        async with store.lease() as new:
            assert new.snapshot.details.snapshot_id == "two"
        assert old.snapshot.rows("snapshot")[0]["snapshot_id"] == "one"
    with pytest.raises(duckdb.Error):
        old.snapshot.rows("snapshot")
    store.close()
    with pytest.raises(duckdb.Error):
        new.snapshot.rows("snapshot")


async def test_stopping_with_a_request_under_way(published, settings, tables):
    """It is answered; the file is closed after it."""
    published.publish("one", tables)
    store = SnapshotStore(settings)
    async with store.lease() as lease:
        store.close()
        assert lease.snapshot.rows("snapshot")
    with pytest.raises(duckdb.Error):
        lease.snapshot.rows("snapshot")


async def test_stopping_while_a_file_is_opened(published, settings, tables, monkeypatch):
    """The file that comes too late is closed at once."""
    published.publish("one", tables)
    store = SnapshotStore(settings)
    opened = []
    connect = duckdb.connect

    def connect_late(path: str, **options: object) -> duckdb.DuckDBPyConnection:
        store.close()
        opened.append(connect(path, **options))
        return opened[0]

    monkeypatch.setattr("api.snapshot.duckdb.connect", connect_late)
    store.refresh()
    with pytest.raises(duckdb.ConnectionException):
        opened[0].cursor()


async def test_a_snapshot_of_nothing(own_client, published):
    """An organisation without repositories is an answer, too."""
    published.publish("empty", {}, as_of=None)
    for path in ("/api/repos", "/v1/new-contributors", "/v1/new-contributors/summary", "/v1/repositories"):
        answer = await own_client.get(path)
        assert (answer.status_code, answer.json()["items"], answer.json()["total_records"]) == (200, [], 0)
        assert answer.json().get("as_of") is None
    for path in ("/v1/new-contributors.csv", "/v1/repositories.parquet", "/v1/repositories.ndjson", "/v1/meta"):
        assert (await own_client.get(path)).status_code == 200


async def test_going_back_while_the_first_is_still_open(published, settings, tables):
    """A snapshot taken back is a switch like any other, though its file is still open."""
    published.publish("one", tables)
    store = SnapshotStore(settings)
    async with store.lease():
        published.publish("two", tables)
        async with store.lease():
            published.switch("one")
            async with store.lease() as again:
                assert again.snapshot.rows("snapshot")[0]["snapshot_id"] == "one"
    async with store.lease() as last:
        assert last.snapshot.details.snapshot_id == "one"
    store.close()


async def test_first_snapshot_of_a_running_server(own_client, published, tables):
    """No restart: not ready before, ready after."""
    assert (await own_client.get("/readyz")).status_code == 503
    published.publish("one", tables)
    assert (await own_client.get("/readyz")).json()["snapshot"] == "one"


@pytest.mark.parametrize("damage", ["missing", "garbage", "version", "column"])
async def test_what_cannot_be_served(own_client, published, tables, problem_of, damage, caplog):
    """Without a snapshot before it: 503 with the reason. With one: that goes on, and the log says why, once."""
    published.folder.mkdir(parents=True)
    reason = {
        "missing": "Nothing has been published yet",
        "garbage": "cannot be opened",
        "version": "of version 99; this API reads version 1",
        "column": "does not hold first_commits.login as VARCHAR",
    }[damage]

    def damaged(name: str) -> None:
        if damage == "garbage":
            (published.folder / f"{name}.duckdb").write_text("x" * 9000)
        elif damage != "missing":
            path = published.write(name, tables, contract_version=99 if damage == "version" else 1)
            if damage == "column":
                with duckdb.connect(str(path)) as connection:
                    connection.execute("alter table first_commits drop column login")
        published.switch(name)

    damaged("bad")
    body = problem_of(await own_client.get("/readyz"), 503, "no-snapshot")
    assert reason in body["detail"]
    assert str(published.folder) not in str(body)
    published.publish("good", tables)
    assert (await own_client.get("/readyz")).json()["snapshot"] == "good"
    damaged("worse")
    caplog.clear()
    for _ in range(3):
        assert (await own_client.get("/readyz")).json()["snapshot"] == "good"
    warned = [record for record in caplog.records if record.message == "snapshot is not served"]
    assert len(warned) == (0 if damage == "missing" else 1)


async def test_a_file_that_vanishes_before_it_is_opened(published, settings, tables, monkeypatch):
    """The link is read again: the publisher has moved it on meanwhile."""
    published.publish("one", tables)
    store = SnapshotStore(settings)
    opened = []
    connect = duckdb.connect

    def connect_late(path: str, **options: object) -> duckdb.DuckDBPyConnection:
        opened.append(Path(path).name)
        if len(opened) == 1:
            monkeypatch.undo()
            published.publish("two", tables)
            (published.folder / "one.duckdb").unlink()
        return connect(path, **options)

    monkeypatch.setattr("api.snapshot.duckdb.connect", connect_late)
    async with store.lease() as lease:
        assert lease.snapshot.details.snapshot_id == "two"
    assert opened == ["one.duckdb"]
    store.close()


async def test_link_is_not_looked_at_for_each_request(published, tables):
    """Within the interval the open snapshot is served without a look."""
    published.publish("one", tables)
    store = SnapshotStore(Settings(published=published.folder, look_every_seconds=3600))
    async with store.lease():
        published.publish("two", tables)
    async with store.lease() as lease:
        assert lease.snapshot.details.snapshot_id == "one"
    store.close()


@pytest.mark.parametrize(
    "statement",
    [
        "create table x (a integer)",
        "attach ':memory:' as x",
        "from read_text('/etc/hostname')",
        "set threads = 2",
        "load httpfs",
        "copy snapshot to 'x.csv'",
    ],
)
async def test_connection_can_only_read(published, settings, tables, statement):
    """Whatever a statement says, nothing but the snapshot can be reached."""
    published.publish("one", tables)
    store = SnapshotStore(settings)
    async with store.lease() as lease:
        with pytest.raises(duckdb.Error):
            lease.snapshot.run(statement)
        assert [path.name for path in published.folder.iterdir() if path.suffix != ".duckdb"] == []
    store.close()
