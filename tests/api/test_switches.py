"""Many switches of snapshots under load: no answer fails, none mixes two of them."""

import asyncio
import csv
import io
import shutil
import socket
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import cycle
from pathlib import Path

import duckdb
import httpx
import pytest
import uvicorn
from histories import NOW, MadeHome, commit

from api.kit.settings import Settings
from api.main import create_app
from git_contrib_assets.serving import publish as publishing
from git_contrib_assets.serving.contract import CURRENT_LINK

SWITCHES = 50
CLIENTS = 8
ANSWERS_PER_SWITCH = 10
REPOSITORIES = 3
MINUTE = timedelta(minutes=1)
MONTH = "2020-05"
SERIES = "/v1/repositories/acme/bolt/new-contributors"
PATHS = (
    "/v1/new-contributors?page_size=1000",
    f"/v1/new-contributors.csv?from={MONTH}&to={MONTH}",
    "/api/repos?page_size=100",
    SERIES,
    f"{SERIES}/{MONTH}",
    f"/v1/contributors/new?from={MONTH}&to={MONTH}&page_size=1000",
    "/v1/repositories?sort=repository",
)


@pytest.fixture
def made(tmp_path: Path) -> MadeHome:
    """A home with a snapshot; in `kept` are more, made from that one, as it was published, with a change in every table."""
    made, kept = MadeHome(tmp_path / "home"), tmp_path / "home" / "kept"
    kept.mkdir()
    for number in range(1, REPOSITORIES + 1):
        made.repository(commit(), repository_id=number)
    first = made.folder_of_snapshots / f"{made.publish().snapshot_id}.duckdb"
    for number in range(1, SWITCHES + 2):
        name = f"{NOW + number * MINUTE:%Y%m%dT%H%M%SZ}-changed"
        shutil.copy(first, kept / f"{name}.duckdb")
        with duckdb.connect(str(kept / f"{name}.duckdb")) as connection:
            connection.execute("update snapshot set snapshot_id = $name", {"name": name})
            change(connection, number)
    first.unlink()
    return made


@pytest.fixture
def address(made: MadeHome) -> Iterator[str]:
    """A server over that home, which looks at the link on each request."""
    app = create_app(Settings(published=made.home.published, look_every_seconds=0, query_seconds=600))
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    thread.join(120)
    assert not thread.is_alive()


def change(connection, number: int) -> None:
    """Put the number into every row, and give every table another number of rows than in the snapshot before."""
    connection.execute(
        "update monthly_new_contributors set number_of_new_contributors = $number, number_of_new_bots = $number",
        {"number": number},
    )
    connection.execute("update repositories set stars = $number", {"number": number})
    connection.execute("delete from first_commits")
    connection.execute("delete from contributors")
    connection.execute(
        "insert into contributors by name select 'c' || i as contributor_id, 'n' || $number as login, false as"
        " is_bot, 'account' as identity, 3 as repositories, now()::timestamp as first_commit_at from range($number) as t(i)",
        {"number": number},
    )
    connection.execute(
        "insert into first_commits by name select repository_id, repository, contributor_id, login, is_bot,"
        " printf('%040d', $number) as first_commit_sha, timestamp '2020-05-10' as first_commit_at,"
        " date '2020-05-01' as date from repositories, contributors",
        {"number": number},
    )


def number_of(snapshot: str) -> int:
    """A snapshot's name begins with the time it was made at: each a minute after the one before."""
    return int((datetime.strptime(snapshot[:16], "%Y%m%dT%H%M%SZ") - NOW) / MINUTE)  # noqa: DTZ007 - times are UTC


def check(answer: httpx.Response) -> int:
    """The number of the snapshot that all of the answer is from."""
    assert answer.status_code == 200, answer.text
    number = number_of(answer.headers["x-snapshot"])
    path = answer.request.url.path
    if path.endswith(".csv"):
        rows = list(csv.DictReader(io.StringIO(answer.text)))
        assert [row["number_of_new_contributors"] for row in rows] == [str(number)] * REPOSITORIES
        return number
    body = answer.json()
    if path != "/api/repos":
        assert number_of(body["snapshot"]) == number
    items = body["items"]
    if path == "/v1/repositories":
        assert [item["stars"] for item in items] == [number] * REPOSITORIES
    elif "contributors/new" in path or path.endswith(MONTH):
        assert {(item["login"], int(item["first_commit_sha"])) for item in items} == {(f"n{number}", number)}
        assert len(items) == body["total_records"] == number * (1 if path.endswith(MONTH) else REPOSITORIES)
        assert body.get("number_of_new_contributors", number) == number
    else:
        assert {item["number_of_new_contributors"] for item in items} == {number}
        assert len(items) == body["total_records"] > 0
    return number


async def test_no_request_fails_or_mixes_at_a_switch(made, address):
    """Snapshots of the real publisher, old ones removed as it removes them, under a real server: checked row by row."""
    kept = sorted((made.root / "kept").iterdir())
    answers, current, switched_at, seen = 0, -1, 0, set()

    def is_due() -> bool:
        # every other snapshot stays until it was seen, however long it takes to open; the others may be overtaken
        asked_enough = answers - switched_at >= ANSWERS_PER_SWITCH
        return asked_enough and (current % 2 == 1 or number_of(kept[current].stem) in seen)

    def switch() -> None:
        nonlocal current, switched_at
        current, switched_at = current + 1, answers
        (made.folder_of_snapshots / kept[current].name).unlink(missing_ok=True)
        (made.folder_of_snapshots / kept[current].name).hardlink_to(kept[current])
        publishing._switch(made.folder_of_snapshots / CURRENT_LINK, kept[current].name)
        publishing._prune(made.folder_of_snapshots, kept[current].stem)

    async def ask(client: httpx.AsyncClient, first: int) -> None:
        nonlocal answers
        newest = 0
        for path in cycle([*PATHS[first % len(PATHS) :], *PATHS[: first % len(PATHS)]]):
            number = check(await client.get(path))
            assert number >= newest, "an answer is older than one before it on the same connection"
            newest = number
            seen.add(number)
            answers += 1
            if current < SWITCHES and is_due():
                switch()
            if newest == SWITCHES + 1:
                return

    switch()
    async with httpx.AsyncClient(base_url=address, timeout=120) as client, asyncio.timeout(600):
        await asyncio.gather(*(ask(client, first) for first in range(CLIENTS)))
    assert current == SWITCHES
    assert len(seen) > SWITCHES / 2
    assert answers >= SWITCHES * ANSWERS_PER_SWITCH
    assert len(list(made.folder_of_snapshots.glob("2*.duckdb"))) == 3
