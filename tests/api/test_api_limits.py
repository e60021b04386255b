"""What bounds one request's work: time, memory, how many wait; and what large answers cost."""

import asyncio
import csv
import gc
import io
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import tracemalloc
from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb
import httpx
import pyarrow
import pyarrow.parquet
import pytest

from api import formats, queries
from api.caching import MOST_WORDS, Answer, AnswerCache, Ready
from api.main import create_app
from api.settings import Settings
from api.snapshot import BATCH_ROWS, SnapshotStore
from git_contrib_assets.serving.contract import CURRENT_LINK

MANY = 2 * BATCH_ROWS + 17
SECONDS = 1.0
# for what is not about that bound: a machine that halts for a moment must not reach it
PATIENCE = 120.0
LARGE = "/v1/new-contributors.csv"


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory, snapshots_in) -> Path:
    """A folder of snapshots whose series are more rows than are held in memory at a time."""
    published = snapshots_in(tmp_path_factory.mktemp("large") / "published")
    path = published.write("large", {}, complete_through=date(2017, 6, 30))
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "insert into monthly_new_contributors select i // 300, 'acme/a-name-as-long-as-they-sometimes-are-' || i // 300,"
            " (date '2000-01-01' + to_months((i % 300)::integer))::date, i % 7, 0, i, false from range($rows) as made(i)",
            {"rows": MANY},
        )
    published.switch("large")
    return published.folder


# Time, memory, and how many at a time


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
    store = SnapshotStore(Settings(published=large, query_seconds=SECONDS))
    await until_open(store)
    async with store.lease() as lease:
        with pytest.raises(duckdb.InterruptException):  # noqa: PT012 - it comes from within
            with lease.snapshot.reader("from monthly_new_contributors") as reader:
                deadline = time.monotonic() + SECONDS + 0.5
                for _batch in reader:
                    while time.monotonic() < deadline:
                        pass
    store.close()


@pytest.mark.parametrize(
    ("bounds", "select"),
    [
        ({"query_seconds": SECONDS}, "select sum(a.range * b.range) as day from range(1000000) a, range(1000000) b"),
        ({"query_bytes": 24 * 1024 * 1024}, "select list(range) as day from range(100000000)"),
    ],
    ids=["time", "memory"],
)
async def test_series_that_take_too_long_to_load_are_queried(
    published, tables, monkeypatch, problem_of, until_open, bounds, select
):
    """The snapshot is served all the same, and each series is what it would be."""
    published.publish("one", tables)
    plain = queries.select
    answers = []
    for months, bounded in ((plain("months"), {}), (select, bounds)):
        monkeypatch.setattr(queries, "select", lambda name, months=months: months if name == "months" else plain(name))
        app = create_app(Settings(published=published.folder, **{"query_seconds": PATIENCE} | bounded))
        await until_open(app.state.store)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
            async with asyncio.timeout(PATIENCE):
                while (answer := await client.get("/v1/repositories/acme/anvil/new-contributors")).status_code == 503:
                    problem_of(answer, 503, "query-too-slow")  # the short bound holds for what is queried, too
        assert (app.state.store.latest().snapshot._series is None) == (months == select)
        answers.append((answer.status_code, answer.json()["items"]))
        app.state.store.close()
    assert answers[0] == answers[1]
    assert answers[0][0] == 200


async def test_settings_of_the_connection(large):
    """Nothing outside is reached, nothing is spilled to a disk, and none of it can be changed."""
    store = SnapshotStore(Settings(published=large, query_bytes=64 * 1024 * 1024))
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


async def test_too_many_queries(made_settings, problem_of, monkeypatch):
    """One runs, one waits, the next is told to come back; what is kept is answered all the same."""
    app = create_app(replace(made_settings, concurrent_queries=1, waiting_queries=1))
    entered, go_on = threading.Event(), threading.Event()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        assert (await client.get("/v1/repositories")).status_code == 200
        plain = formats.json_answer

        def slow(*arguments: object) -> Answer:
            entered.set()
            assert go_on.wait(PATIENCE)
            return plain(*arguments)

        monkeypatch.setattr("api.routes.lists.json_answer", slow)
        running = asyncio.create_task(client.get("/v1/new-contributors?page=1"))
        assert await asyncio.to_thread(entered.wait, PATIENCE)
        waiting = asyncio.create_task(client.get("/v1/new-contributors?page=2"))
        while not app.state.store._limiter.statistics().tasks_waiting:  # noqa: ASYNC110 - there is no event of it
            await asyncio.sleep(0)
        refused = await client.get("/v1/new-contributors?page=3")
        body = problem_of(refused, 429, "too-many-queries")
        assert int(refused.headers["retry-after"]) > 0
        assert body["detail"] == "The server is busy; try again in a moment."
        assert (await client.get("/v1/repositories")).status_code == 200
        assert (await client.get("/healthz")).status_code == 200
        go_on.set()
        assert [(await one).status_code for one in (running, waiting)] == [200, 200]
        assert (await client.get("/v1/new-contributors?page=3")).status_code == 200
    app.state.store.close()


# What is kept


def test_words_are_bounded():
    """Whatever is asked for in whatever words: a bounded number of short ones is kept, and no bytes but the answer's."""
    cache = AnswerCache(8000)
    cache.put("tag", Answer(b"x" * 100, "text/plain"))
    ready = Ready("tag", "/route", (), packed=False)
    for number in range(MOST_WORDS * 2):
        cache.remember((f"/{number}", b"", b"", b""), ready)
    assert len(cache._ready) <= MOST_WORDS
    cache.remember(("/long", b"x" * 2000, b"", b""), ready)
    assert cache.ready(("/long", b"x" * 2000, b"", b"")) is None
    last = (f"/{MOST_WORDS * 2 - 1}", b"", b"", b"")
    assert cache.ready(last) == (ready, b"x" * 100)
    assert cache.size == 200


def test_words_of_an_answer_that_is_kept_no_more():
    """They lead to nothing; nor do they lead to a compressed form that was not made again."""
    cache, words = AnswerCache(1600), ("/", b"", b"", b"gzip")
    cache.put("tag", Answer(b"x" * 100, "text/plain", compressed=b"small"))
    cache.remember(words, Ready("tag", "/", (), packed=True))
    assert cache.ready(words)[1] == b"small"
    cache.put("tag", Answer(b"x" * 100, "text/plain"))
    assert cache.ready(words) is None
    for number in range(9):
        cache.put(f"{number}", Answer(b"x" * 100, "text/plain"))
    assert cache.get("tag") is None
    assert cache.size <= 1600


async def test_kept_answers_are_those_that_were_given(client):
    """The second answer comes another way: the same bytes and headers, but for the id of the request."""
    for path in ("/v1/new-contributors?min=2", "/v1/repositories", "/v1/repositories/acme/anvil/new-contributors.csv"):
        for headers in ({}, {"accept-encoding": "gzip"}, {"accept": "text/csv", "accept-encoding": "identity"}):
            first, second = [await client.get(path, headers=headers) for _ in range(2)]
            assert first.status_code == second.status_code == 200
            assert first.content == second.content
            assert first.headers.pop("x-request-id") != second.headers.pop("x-request-id")
            assert sorted(first.headers.items()) == sorted(second.headers.items())
        given = await client.get(path, headers={"x-request-id": "mine"})
        assert given.headers["x-request-id"] == "mine"
        tag = given.headers["etag"]
        assert (await client.get(path, headers={"if-none-match": tag})).status_code == 304
        head = await client.head(path)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-length"] == given.headers["content-length"]


# Large answers


@pytest.mark.parametrize("suffix", ["csv", "ndjson", "parquet"])
@pytest.mark.parametrize("encoding", ["identity", "gzip"])
async def test_a_large_answer_is_whole(large, suffix, encoding):
    """In all formats, packed or not; every row once, in order."""
    app = create_app(Settings(published=large, query_seconds=PATIENCE))
    address = f"/v1/new-contributors.{suffix}?sort=repository,date"
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        answer = await client.get(address, headers={"accept-encoding": encoding})
        again = await client.get(address, headers={"if-none-match": answer.headers["etag"]})
    app.state.store.close()
    assert answer.status_code == 200
    assert (answer.headers.get("content-encoding") == "gzip") == (encoding == "gzip" and suffix != "parquet")
    assert answer.headers["content-disposition"] == f'attachment; filename="new-contributors-2017-06-30.{suffix}"'
    assert again.status_code == 304
    if suffix == "parquet":
        totals = pyarrow.parquet.read_table(io.BytesIO(answer.content))["cumulative_contributors"].to_pylist()
    elif suffix == "csv":
        totals = [int(row["cumulative_contributors"]) for row in csv.DictReader(io.StringIO(answer.text))]
    else:
        totals = [int(number) for number in re.findall(r'"cumulative_contributors":(\d+)', answer.text)]
    assert len(totals) == MANY
    assert set(totals) == set(range(MANY))


async def test_a_large_answer_takes_little_memory(large):
    """Far less than its own size, and nothing of it is left when it has been sent."""
    app = create_app(Settings(published=large, query_seconds=PATIENCE))
    size = arrow = 0

    async def receive() -> dict:
        await asyncio.Event().wait()
        return {}

    async def send(message: dict) -> None:
        nonlocal size, arrow
        size += len(message.get("body", b""))
        arrow = max(arrow, pyarrow.total_allocated_bytes())

    path = LARGE.encode()
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": LARGE,
        "raw_path": path,
        "query_string": b"page_size=1000",
        "root_path": "",
        "headers": [],
    }
    await app(dict(scope), receive, send)  # what is imported and built once is not counted
    size = arrow = 0
    gc.collect()
    held = pyarrow.total_allocated_bytes()  # the months in memory: as long as the snapshot is open, whatever is asked
    assert held < 20 * MANY
    tracemalloc.start()
    await app({**scope, "query_string": b""}, receive, send)
    _left, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size > 10_000_000
    assert peak < size / 2
    assert arrow - held < size / 2
    assert pyarrow.total_allocated_bytes() - held < size / 10
    async with app.state.store.lease() as lease:
        assert lease.snapshot.cache.size < 1_000_000
    app.state.store.close()


async def test_a_large_answer_outlives_its_snapshot(large, tmp_path):
    """It is cut by nothing: the switch and the end of the file it came from do not touch it."""
    folder = tmp_path / "published"
    folder.mkdir()
    (folder / "large.duckdb").write_bytes((large / "large.duckdb").read_bytes())
    (folder / CURRENT_LINK).symlink_to("large.duckdb")
    app = create_app(Settings(published=folder, look_every_seconds=0, query_seconds=PATIENCE))
    received = []

    async def receive() -> dict:
        await asyncio.Event().wait()
        return {}

    async def send(message: dict) -> None:
        received.append(message)
        if len(received) == 2:
            (folder / "large.duckdb").unlink()
            app.state.store.close()

    scope = {"type": "http", "asgi": {"spec_version": "2.3"}, "http_version": "1.1", "method": "GET", "scheme": "http"}
    await app(
        {**scope, "path": LARGE, "raw_path": LARGE.encode(), "query_string": b"", "root_path": "", "headers": []},
        receive,
        send,
    )
    body = b"".join(message.get("body", b"") for message in received[1:])
    assert received[0]["status"] == 200
    assert received[-1]["more_body"] is False
    assert body.count(b"\r\n") == MANY + 1


def test_stopping_lets_a_slow_download_finish(large):
    """SIGTERM in the middle: no new connections, but the answer under way arrives whole, and the server ends with 0."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, "GIT_CONTRIB_HOME": str(large.parent)}
    command = [sys.executable, "-m", "git_contrib_assets", "serve", "--port", str(port)]
    server = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        wait_for(port, server)
        with socket.socket() as slow:
            # small buffers, so that most of the answer is still with the server when it is told to stop
            slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
            slow.settimeout(60)
            slow.connect(("127.0.0.1", port))
            slow.sendall(f"GET {LARGE} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
            received = [slow.recv(1000)]
            assert received[0].startswith(b"HTTP/1.1 200 OK\r\n")
            server.send_signal(signal.SIGTERM)
            wait_for_no_answer(port)
            assert server.poll() is None
            while part := slow.recv(65536):
                received.append(part)
        text = b"".join(received)
        # chunks of HTTP have lines of their own: what is counted are the rows
        assert len(re.findall(rb"-are-\d+,\d{4}-", text)) >= MANY - 500
        assert text.endswith(b"\r\n0\r\n\r\n")
        assert server.wait(30) == 0
    finally:
        server.kill()
        server.communicate()


def wait_for(port: int, server: subprocess.Popen) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            httpx.get(f"http://127.0.0.1:{port}/healthz")
        except httpx.TransportError:
            assert server.poll() is None, server.communicate()
            assert time.monotonic() < deadline
        else:
            return


def wait_for_no_answer(port: int) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
        except OSError:
            return
        assert time.monotonic() < deadline
