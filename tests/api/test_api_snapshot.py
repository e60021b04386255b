"""The pointer is followed, and no request ever notices."""

from pathlib import Path

import duckdb
import pytest

from api.settings import Settings
from api.snapshot import SnapshotStore


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
