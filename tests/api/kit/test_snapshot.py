"""The pointer is followed, and no request ever notices."""

import asyncio
import threading
import time
from dataclasses import replace
from pathlib import Path

import duckdb
import httpx
import pytest
from fastapi import Request, Response

from api.kit.answers import Answer
from api.kit.caching import serve
from api.kit.settings import Settings
from api.kit.snapshot import Lease, Snapshot
from api.kit.store import SnapshotStore
from api.main import create_app
from git_contrib_assets.serving.contract.contributors import PUBLICATION

SECONDS = 1.0
# for what is not about that bound: a machine that halts for a moment must not reach it
PATIENCE = 120.0


async def test_a_lease_outlives_the_switch(published, settings, tables):
    """The old file is closed by its last request, not before."""
    published.publish("one", tables)
    store = SnapshotStore(settings, PUBLICATION)
    async with store.lease() as old:
        published.publish("two", tables)
        async with store.lease() as new:
            assert new.snapshot.details.snapshot_id == "two"
        assert old.snapshot.rows("kit/snapshot")[0]["snapshot_id"] == "one"
    with pytest.raises(duckdb.Error):
        old.snapshot.rows("kit/snapshot")
    store.close()
    with pytest.raises(duckdb.Error):
        new.snapshot.rows("kit/snapshot")


async def test_stopping_with_a_request_under_way(published, settings, tables):
    """It is answered; the file is closed after it."""
    published.publish("one", tables)
    store = SnapshotStore(settings, PUBLICATION)
    async with store.lease() as lease:
        store.close()
        assert lease.snapshot.rows("kit/snapshot")
    with pytest.raises(duckdb.Error):
        lease.snapshot.rows("kit/snapshot")


async def test_stopping_while_a_file_is_opened(published, settings, tables):
    """The file that comes too late is closed at once."""
    published.publish("one", tables)
    opened = []

    def close_store(snapshot: Snapshot) -> None:
        opened.append(snapshot)
        store.close()

    store = SnapshotStore(settings, PUBLICATION, hooks=[close_store])
    store.refresh()
    with pytest.raises(duckdb.ConnectionException):
        opened[0].rows("kit/snapshot")


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
    store = SnapshotStore(settings, PUBLICATION)
    async with store.lease():
        published.publish("two", tables)
        async with store.lease():
            published.switch("one")
            async with store.lease() as again:
                assert again.snapshot.rows("kit/snapshot")[0]["snapshot_id"] == "one"
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
        "missing": "Snapshot bad is missing although the link names it",
        "garbage": "Snapshot bad is damaged",
        "version": "have version 99, but this API reads version 1",
        "column": "does not contain first_commits.login as VARCHAR",
    }[damage]

    def damaged(name: str) -> None:
        if damage == "garbage":
            (published.folder / f"{name}.duckdb").write_text("x" * 9000)
        elif damage != "missing":
            path = published.write(name, tables, contract_version=99 if damage == "version" else 1)
            if damage == "column":
                with duckdb.connect(str(path)) as connection:
                    connection.execute("alter table first_commits alter login type blob")
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
    warned = [record for record in caplog.records if record.msg["event"] == "snapshot is not served"]
    assert len(warned) == 1


@pytest.mark.parametrize(
    ("lacking", "statement"),
    [
        ("first_commits.first_commit_sha", "alter table first_commits drop column first_commit_sha"),
        ("first_commits", "drop table first_commits"),
    ],
)
async def test_a_snapshot_that_is_older_than_a_table_is_served(
    own_client, published, tables, problem_of, lacking, statement
):
    """The answers that need what it lacks are 503 until the next run; all others go on, and /v1/meta says which."""
    path = published.write("older", tables)
    with duckdb.connect(str(path)) as connection:
        connection.execute(statement)
    published.switch("older")
    problem = problem_of(await own_client.get("/v1/contributors/new"), 503, "not-yet-published")
    assert lacking in problem["detail"]
    assert problem["title"] == "This is published with the next run"
    for address in ("/v1/new-contributors", "/v1/repositories", "/api/repos", "/readyz", "/metrics"):
        assert (await own_client.get(address)).status_code == 200, address
    (publication,) = (await own_client.get("/v1/meta")).json()["publications"]
    assert (publication["name"], publication["lacks"]) == ("contributors", [lacking])
    assert ("first_commits" in publication["rows"]) is (lacking != "first_commits")


async def test_a_file_that_vanishes_before_it_is_opened(published, settings, tables, monkeypatch):
    """The link is read again: the publisher has moved it on meanwhile."""
    published.publish("one", tables)
    store = SnapshotStore(settings, PUBLICATION)
    opened = []
    connect = duckdb.connect

    def connect_late(path: str, **options: object) -> duckdb.DuckDBPyConnection:
        opened.append(Path(path).name)
        if len(opened) == 1:
            monkeypatch.undo()
            published.publish("two", tables)
            (published.folder / "one.duckdb").unlink()
        return connect(path, **options)

    monkeypatch.setattr(duckdb, "connect", connect_late)
    async with store.lease() as lease:
        assert lease.snapshot.details.snapshot_id == "two"
    assert opened == ["one.duckdb"]
    store.close()


async def test_link_is_not_looked_at_for_each_request(published, tables):
    """Within the interval the open snapshot is served without a look."""
    published.publish("one", tables)
    store = SnapshotStore(Settings(published=published.folder, look_every_seconds=3600), PUBLICATION)
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
    store = SnapshotStore(settings, PUBLICATION)
    async with store.lease() as lease:
        with pytest.raises(duckdb.Error):
            lease.snapshot.run(statement)
        assert [path.name for path in published.folder.iterdir() if path.suffix != ".duckdb"] == []
    store.close()


@pytest.mark.parametrize(
    ("bounds", "select"),
    [
        (
            {"query_seconds": SECONDS},
            "select sum(a.date0 * b.date0) as s from (select epoch(date) as date0 from t) a, t2 b",
        ),
        (
            {"query_bytes": 24 * 1024 * 1024},
            "select t.* from t, (from t limit 50) order by repository desc, number_of_new_contributors",
        ),
    ],
    ids=["time", "memory"],
)
@pytest.mark.parametrize("by", ["run", "reader"])
async def test_a_query_out_of_bounds_is_a_problem(large, problem_of, until_open, bounds, select, by):
    """503 and when to come back, however the rows are read; the server goes on."""
    tables = "with t as (from monthly_new_contributors), t2 as (select epoch(date) as date0 from t) "
    app = create_app(Settings(published=large, **{"query_seconds": PATIENCE} | bounds))

    async def heavy() -> None:
        async with app.state.store.lease() as lease:
            if by == "run":
                lease.snapshot.run(tables + select)
            else:
                with lease.snapshot.reader(tables + select) as reader:
                    reader.read_all()

    app.add_api_route("/heavy", heavy)
    await until_open(app.state.store)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        problem_of(await client.get("/heavy"), 503, "query-too-slow")
        async with asyncio.timeout(PATIENCE):
            # the short bound holds for this one too, and a machine that halts may reach it
            while (answer := await client.get("/v1/meta")).status_code == 503 and "query_seconds" in bounds:
                problem_of(answer, 503, "query-too-slow")
        assert answer.status_code == 200
    app.state.store.close()


async def test_time_runs_between_batches_too(large, until_open):
    """A reader that dawdles is stopped: that is why a download is at its end before it is sent."""
    store = SnapshotStore(Settings(published=large, query_seconds=SECONDS), PUBLICATION)
    await until_open(store)
    async with store.lease() as lease:
        with pytest.raises(duckdb.InterruptException):  # noqa: PT012 - it comes from within
            with lease.snapshot.reader("from monthly_new_contributors") as reader:
                deadline = time.monotonic() + SECONDS + 0.5
                for _batch in reader:
                    while time.monotonic() < deadline:
                        pass
    store.close()


async def test_settings_of_the_connection(large):
    """Nothing outside is reached, nothing is spilled to a disk, and none of it can be changed."""
    store = SnapshotStore(Settings(published=large, query_bytes=64 * 1024 * 1024), PUBLICATION)
    wanted = {
        "access_mode": "read_only",
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "enable_external_access": False,
        "lock_configuration": True,
        "max_execution_time": 10_000,
        "memory_limit": "64.0 MiB",
        "temp_directory": "",
        "threads": 1,
    }
    async with store.lease() as lease:
        found = lease.snapshot.run(f"select {', '.join(f'current_setting({name!r}) as {name}' for name in wanted)}")[0]
        assert {name: type(wanted[name])(value) for name, value in found.items()} == wanted
        with pytest.raises(duckdb.Error):
            lease.snapshot.run("set memory_limit = '1GB'")
    store.close()


async def test_too_many_queries(made_settings, problem_of):
    """One runs, one waits, the next is told to come back; what is kept is answered all the same."""
    app = create_app(replace(made_settings, concurrent_queries=1, waiting_queries=1))
    entered, go_on = threading.Event(), threading.Event()

    def build(_lease: Lease) -> Answer:
        entered.set()
        assert go_on.wait(PATIENCE)
        return Answer(b"{}", "application/json")

    async def slow(request: Request) -> Response:
        return await serve(request, build)

    app.add_api_route("/slow", slow)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        assert (await client.get("/v1/repositories")).status_code == 200
        running = asyncio.create_task(client.get("/slow?page=1"))
        assert await asyncio.to_thread(entered.wait, PATIENCE)
        waiting = asyncio.create_task(client.get("/slow?page=2"))
        while not app.state.store._limiter.statistics().tasks_waiting:  # noqa: ASYNC110 - there is no event of it
            await asyncio.sleep(0)
        refused = await client.get("/slow?page=3")
        body = problem_of(refused, 429, "too-many-queries")
        assert int(refused.headers["retry-after"]) > 0
        assert body["detail"] == "The server is busy; try again in a moment."
        assert (await client.get("/v1/repositories")).status_code == 200
        assert (await client.get("/healthz")).status_code == 200
        go_on.set()
        assert [(await one).status_code for one in (running, waiting)] == [200, 200]
        assert (await client.get("/slow?page=3")).status_code == 200
    app.state.store.close()
