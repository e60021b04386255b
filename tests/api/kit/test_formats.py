"""The same rows as CSV, JSON lines and Parquet."""

import asyncio
import csv
import gc
import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import tracemalloc

import httpx
import pyarrow
import pyarrow.parquet
import pytest

from api.kit.settings import Settings
from api.main import create_app
from git_contrib_assets.serving.contract import CURRENT_LINK

LISTS = ["/v1/new-contributors", "/v1/repositories"]
TEXTS = ["/v1/new-contributors/summary", "/v1/repositories/acme/anvil/new-contributors"]
# for what is not about that bound: a machine that halts for a moment must not reach it
PATIENCE = 120.0
LARGE = "/v1/new-contributors.csv"


def csv_rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


@pytest.mark.parametrize("path", LISTS)
async def test_all_formats_hold_the_same_rows(client, path):
    """All rows, not a page of them; the same columns in the same order."""
    items = (await client.get(f"{path}?page_size=1000")).json()["items"]
    items = [{name: value for name, value in item.items() if name != "links"} for item in items]
    lines = (await client.get(f"{path}.ndjson")).text.splitlines()
    assert [json.loads(line) for line in lines] == items
    rows = csv_rows((await client.get(f"{path}.csv")).text)
    assert [*rows[0]] == [*items[0]]
    assert len(rows) == len(items)
    table = pyarrow.parquet.read_table(io.BytesIO((await client.get(f"{path}.parquet")).content))
    assert table.column_names == [*items[0]]
    assert table.num_rows == len(items)


@pytest.mark.parametrize("path", TEXTS)
async def test_unpaged_answers_as_csv(client, path):
    """The columns of the items."""
    items = (await client.get(path)).json()["items"]
    answer = await client.get(f"{path}.csv")
    assert [[*row] for row in csv_rows(answer.text)[:1]] == [[*items[0]]]
    assert len(csv_rows(answer.text)) == len(items)
    assert answer.headers["content-disposition"].endswith('-2017-06-30.csv"')
    assert answer.headers["x-complete-through"] == "2017-06-30"


async def test_csv_is_exact(client):
    """Dates as dates, times in UTC, nothing for null; a cell that a spreadsheet would run is held back."""
    text = (await client.get("/v1/new-contributors.csv?repository=fork")).text
    assert text == (
        "repository,date,number_of_new_contributors,number_of_new_bots,cumulative_contributors,repository_id\r\n"
        "acme/fork,2017-05-01,4,0,4,2\r\nacme/fork,2017-06-01,0,0,4,2\r\nacme/fork,2017-07-01,0,0,4,2\r\n"
    )
    row = csv_rows((await client.get("/v1/repositories.csv?q=fork")).text)[0]
    assert row["default_branch"] == "'=cmd()"
    assert (row["language"], row["fork"], row["collected_at"]) == ("", "true", "2017-07-04T05:06:07Z")


async def test_a_page_of_a_file(client):
    """A link that names a page keeps its meaning when the suffix is changed."""
    assert len(csv_rows((await client.get("/v1/new-contributors.csv?page=2&page_size=5")).text)) == 5


@pytest.mark.parametrize(
    ("suffix", "accept", "media_type"),
    [
        ("", "text/csv", "text/csv; charset=utf-8"),
        ("", "application/json;q=0.5, text/csv", "text/csv; charset=utf-8"),
        ("", "text/csv;q=0, */*", "application/json"),
        ("", "text/csv;q=0, text/*", "application/json"),
        ("", "text/*, text/csv;q=0", "application/json"),
        ("", "text/*;q=0, text/csv", "text/csv; charset=utf-8"),
        ("", "application/json;q=0, text/csv;q=0.1, */*", "text/csv; charset=utf-8"),
        ("", "text/csv, application/x-ndjson", "text/csv; charset=utf-8"),
        ("", "application/x-ndjson;q=0.5, text/csv;q=0.5", "application/jsonl"),
        ("", "text/html,application/xml;q=0.9,*/*;q=0.8", "application/json"),
        ("", "image/png", "application/json"),
        ("", "application/x-ndjson", "application/jsonl"),
        ("", "application/vnd.apache.parquet", "application/vnd.apache.parquet"),
        (".json", "text/csv", "application/json"),
        (".csv", "application/json", "text/csv; charset=utf-8"),
    ],
)
async def test_format_is_chosen(client, suffix, accept, media_type):
    """The suffix beats Accept; JSON if neither says otherwise."""
    answer = await client.get(f"/v1/new-contributors{suffix}", headers={"accept": accept})
    assert answer.headers["content-type"] == media_type
    assert answer.headers["vary"] == "Accept, Accept-Encoding"


async def test_formats_do_not_share_an_etag(client):
    """A cache must not give one for the other."""
    tags = {
        (await client.get("/v1/new-contributors", headers={"accept": accept})).headers["etag"]
        for accept in ("text/csv", "application/json", "application/jsonl", "application/vnd.apache.parquet")
    }
    assert len(tags) == 4


@pytest.mark.parametrize(
    "path", ["/v1/new-contributors.xml", "/v1/repositories.", "/v1/new-contributors/summary.parquet"]
)
async def test_a_suffix_that_is_no_format(client, problem_of, path):
    """It is an address that does not exist."""
    problem_of(await client.get(path), 404, "not-found")


@pytest.mark.parametrize("suffix", ["csv", "ndjson", "parquet"])
@pytest.mark.parametrize("encoding", ["identity", "gzip"])
async def test_a_large_answer_is_whole(large, suffix, encoding, many):
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
    assert len(totals) == many
    assert set(totals) == set(range(many))


async def test_a_large_answer_takes_little_memory(large, many):
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
    assert held < 20 * many
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


async def test_a_large_answer_outlives_its_snapshot(large, tmp_path, many):
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
    assert body.count(b"\r\n") == many + 1


def test_stopping_lets_a_slow_download_finish(large, many):
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
        assert len(re.findall(rb"-are-\d+,\d{4}-", text)) >= many - 500
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


@pytest.mark.parametrize("path", ["/v1/new-contributors", "/v1/repositories", "/v1/contributors/new"])
async def test_json_with_the_suffix_is_whole(client, path):
    """Like the other suffixes; without it, JSON comes in pages, and with it too if a page is asked for."""
    query = "?from=2000-01" if path == "/v1/contributors/new" else ""
    rows = csv_rows((await client.get(f"{path}.csv{query}")).text)
    whole = (await client.get(f"{path}.json{query}")).json()
    pages, separator = [], "&" if query else "?"
    for page in range(1, len(rows) // 2 + 2):
        answer = (await client.get(f"{path}{query}{separator}page_size=2&page={page}")).json()
        pages += answer["items"]
    assert whole["items"] == pages
    assert whole["total_records"] == len(whole["items"]) == len(rows)
    assert (whole["links"]["prev"], whole["links"]["next"], whole["page"]) == (None, None, 1)
    one = (await client.get(f"{path}.json{query}{separator}page_size=1")).json()
    assert (len(one["items"]), one["page_size"]) == (1, 1)
    assert {*one} == {*whole}


async def test_a_large_json_is_whole(large, many):
    app = create_app(Settings(published=large, query_seconds=PATIENCE))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        body = (await client.get("/v1/new-contributors.json?sort=repository,date")).json()
        nothing = (await client.get("/v1/new-contributors.json?from=2999-01")).json()
    app.state.store.close()
    assert sorted(item["cumulative_contributors"] for item in body["items"]) == list(range(many))
    assert (nothing["items"], nothing["total_records"]) == ([], 0)
