"""With and without the token, every route and format, kept and not, in any order, across switches: nothing private to the wrong one.

Two servers are asked the same: one over a home with private rows, one over a home that has none, with the same public
snapshots. Without the token their answers are the same, byte for byte.
"""

import gzip
import io
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import catalogue_rows
import httpx
import pyarrow.parquet
import pytest
from api_routes import ROUTES
from catalogue_rows import BEARER, PLANTED, PLANTED_ID, PLANTED_STARS, TOKEN
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from api.kit.settings import Settings
from api.kit.store import SnapshotStore
from api.main import create_app
from git_contrib_assets.serving.contract import catalogue

# it is private in the first state of the home, and public in the second
TURNING = "acme/turning"
STATES = ("first", "second")
PAGES = ["/", "/catalogue", "/docs", "/openapi.json", "/problems/not-authorised", "/nothing", "/static/catalogue.js"]
CHOSEN = [
    "/v1/owners?sort=-repositories&page_size=2",
    f"/v1/owners?q={PLANTED[:4]}",
    "/v1/repositories?state=private",
    "/v1/repositories?visibility=private&visibility=internal&sort=-stars",
    "/v1/repositories?sort=-stars&page_size=2",
    "/v1/repositories?owner=acme&page=2&page_size=3",
    f"/v1/repositories/acme/{PLANTED}",
    f"/v1/repositories/acme/{PLANTED[:-1]}",
    f"/v1/repositories/acme/{PLANTED}/new-contributors",
    f"/v1/repositories/{TURNING}",
    f"/v1/new-contributors?repository=acme/{PLANTED}",
    "/catalogue?status=private",
    "/catalogue?state=gone&sort=repository",
    f"/catalogue?q={PLANTED}",
]
# how fast it was, and what was asked before
TELLS_OF_ITSELF = {"/metrics"}
ALL = [*(route for route in ROUTES if route not in TELLS_OF_ITSELF), *PAGES, *CHOSEN]
# the routes that have something for whoever bears the token, whatever the state
HOLD_PRIVATE = [
    "/v1/owners",
    "/v1/owners.csv",
    "/v1/owners.ndjson",
    "/v1/owners.parquet",
    "/v1/repositories",
    "/v1/repositories.json",
    "/v1/repositories.csv",
    "/v1/repositories.ndjson",
    "/v1/repositories.parquet",
    "/v1/repositories?state=private",
    "/v1/exports/repositories.csv",
    "/catalogue",
    "/catalogue?status=private",
]
SECRETS = [PLANTED, str(PLANTED_ID), str(PLANTED_STARS), f"{PLANTED_STARS:,}", f"only-{PLANTED}"]
WRONG = [
    {"authorization": f"Bearer {TOKEN}x"},
    {"authorization": f"Bearer {TOKEN[:-1]}"},
    {"authorization": "Bearer"},
    {"authorization": f"Basic {TOKEN}"},
    {"authorization": TOKEN},
    {"authorization": ""},
]


@dataclass
class Pair:
    """The server with private rows and the one without, and the ETags that they gave."""

    apps: tuple[FastAPI, FastAPI]
    clients: tuple[httpx.AsyncClient, httpx.AsyncClient]
    homes: tuple[Path, Path]
    state: str = STATES[0]
    tags: list[str] = field(default_factory=lambda: ['"none"'])

    async def ask(self, path: str, method: str, headers: Mapping[str, str]) -> tuple[httpx.Response, httpx.Response]:
        """The two answers to the same request."""
        sent = {"x-request-id": "same", **headers}
        ours, theirs = [await client.request(method, path, headers=sent) for client in self.clients]
        self.tags += [ours.headers["etag"]] if "etag" in ours.headers else []
        return ours, theirs

    def switch(self, state: str) -> None:
        """Let all links lead to the snapshots of a state: the private one first, as the publisher does.

        The servers look at the links when this happens and at no other time, so what they keep by request is asked, too.
        """
        self.state = state
        for store in (store for app in self.apps for store in stores_of(app)):
            store._looked_at = float("-inf")
        for home in self.homes:
            for folder in (home / "private", home / "published" / "catalogue"):
                if folder.exists():
                    (folder / "next").symlink_to(f"{state}.duckdb")
                    (folder / "next").replace(folder / "current.duckdb")


def stores_of(app: FastAPI) -> list[SnapshotStore]:
    """All that the app opens."""
    return [*app.state.public_stores, app.state.private_catalogue]


def write(published, homes: tuple[Path, Path], tables) -> None:
    """Snapshots of both states in the home with private rows; the public ones in the other, too."""
    published.publish("counted", tables)
    public, private = (published.other(one) for one in (catalogue.PUBLICATION, catalogue.PRIVATE_PUBLICATION))
    turning = [catalogue_rows.repository(50, TURNING, visibility=one) for one in ("private", "public")]
    for state, row in zip(STATES, turning, strict=True):
        listed = catalogue_rows.public_repositories()
        listed += [row] if row["visibility"] == "public" else []
        public.write(state, catalogue_rows.public_tables(listed))
        everything = [*catalogue_rows.public_repositories(), *catalogue_rows.private_repositories(), row]
        private.write(state, catalogue_rows.private_tables(everything))
    shutil.copytree(published.folder, homes[1] / "published", symlinks=True)


@pytest.fixture
async def pair(published, tables, tmp_path) -> AsyncIterator[Pair]:
    """Both servers, over homes of their own."""
    homes = (published.folder.parent, tmp_path / "without")
    write(published, homes, tables)
    apps = [
        create_app(Settings(home / "published", look_every_seconds=3600, query_seconds=120, token=SecretStr(TOKEN)))
        for home in homes
    ]
    async with AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(
                httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")
            )
            for app in apps
        ]
        made = Pair((apps[0], apps[1]), (clients[0], clients[1]), homes)
        made.switch(STATES[0])
        yield made
    for store in (store for app in apps for store in stores_of(app)):
        store.close()


def words_of(answer: httpx.Response) -> str:
    """All that is in an answer: headers and body, unpacked."""
    body = answer.content
    if body[:4] == b"PAR1":
        body = str(pyarrow.parquet.read_table(io.BytesIO(body)).to_pylist()).encode()
    return f"{answer.headers.raw!r} {body!r}"


def kept(app: FastAPI) -> str:
    """All that the caches of all snapshots hold, of the private one, too."""
    found = []
    for store in stores_of(app):
        lease = store.latest()
        if lease is not None:
            cache = lease.snapshot.cache
            answers = [cache.get(tag) for tag in cache._answers]
            found += [str(answer.body if answer.body[:4] != b"PAR1" else parquet(answer.body)) for answer in answers]
            found += [str(gzip.decompress(answer.compressed)) for answer in answers if answer.compressed]
            found.append(str(cache._responses))
    return " ".join(found)


def parquet(body: bytes) -> list[dict]:
    return pyarrow.parquet.read_table(io.BytesIO(body)).to_pylist()


def hidden(pair: Pair) -> list[str]:
    """What nobody may see without the token, as things are."""
    return [*SECRETS, *([TURNING] if pair.state == STATES[0] else [])]


def is_echo(path: str) -> bool:
    """Whether the question holds what is looked for: then the answer may repeat it, and only the other server tells."""
    return PLANTED[:4] in path or TURNING in path


async def check(
    pair: Pair, path: str, method: str, who: Mapping[str, str], headers: Mapping[str, str]
) -> httpx.Response:
    """Ask both servers, and compare; the answer of the one with private rows."""
    ours, theirs = await pair.ask(path, method, {**headers, **who})
    if who == BEARER:
        if ours.headers["cache-control"] == "private, no-store":
            assert "etag" not in ours.headers
            assert "access-control-allow-origin" not in ours.headers
            assert ours.headers["vary"] == "Accept, Accept-Encoding, Authorization"
            assert ours.status_code in {200, 206}
        else:
            assert not set(hidden(pair)) & {word for word in hidden(pair) if word in words_of(ours)} or is_echo(path)
        if path in HOLD_PRIVATE and method == "GET" and "range" not in headers:
            assert PLANTED in words_of(ours)
        return ours
    assert (ours.status_code, ours.content) == (theirs.status_code, theirs.content)
    assert ours.headers.raw == theirs.headers.raw
    assert "private" not in ours.headers["cache-control"]
    if not is_echo(path):
        assert not [word for word in hidden(pair) if word in words_of(ours)]
    return ours


asks = st.tuples(
    st.sampled_from([*ALL, *HOLD_PRIVATE]),
    st.sampled_from(["GET", "GET", "GET", "HEAD"]),
    st.sampled_from([{}, {}, BEARER, BEARER, *WRONG]),
    st.sampled_from(["*/*", "text/csv", "application/jsonl", "application/vnd.apache.parquet", "text/html"]),
    st.sampled_from(["identity", "gzip"]),
    st.sampled_from([None, None, "tag", "star", "range"]),
    st.integers(0, 1000),
)


# not shrunk: each question takes a moment, and the last one of a failed sequence says enough
@settings(max_examples=15, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
@given(steps=st.lists(st.one_of(asks, asks, asks, st.sampled_from(STATES)), min_size=8, max_size=20))
async def test_nothing_private_to_the_wrong_one(pair, steps):
    """Any sequence of questions and switches."""
    for step in steps:
        if isinstance(step, str):
            pair.switch(step)
            continue
        path, method, who, accept, encoding, condition, which = step
        headers = {"accept": accept, "accept-encoding": encoding}
        if condition:
            tag = pair.tags[which % len(pair.tags)] if condition == "tag" else "*"
            headers |= {"range": f"bytes={which % 50}-"} if condition == "range" else {"if-none-match": tag}
        await check(pair, path, method, who, headers)
    assert not [word for word in (PLANTED, str(PLANTED_ID), str(PLANTED_STARS)) if word in spelled_out(pair)]


def spelled_out(pair: Pair) -> str:
    """What is kept, without what a request asked for by name."""
    return (
        kept(pair.apps[0]).replace(f"acme/{PLANTED}", "").replace(f"q={PLANTED}", "").replace(f'value="{PLANTED}"', "")
    )


@pytest.mark.parametrize("path", HOLD_PRIVATE)
async def test_before_and_after_each_other(pair, path):
    """The answer to one is never the answer to the other, whoever asks first, and also after a switch."""
    for state in (*STATES, STATES[0]):
        pair.switch(state)
        for who in ({}, BEARER, WRONG[0], {}):
            ours = await check(pair, path, "GET", who, {"accept-encoding": "identity"})
            assert ours.status_code == (401 if who in WRONG else 200)


async def test_the_whole_of_it_can_be_seen_with_the_token(pair):
    """What is looked for above is there: else finding nothing would say nothing."""
    for path in HOLD_PRIVATE:
        ours, theirs = await pair.ask(path, "GET", BEARER)
        assert PLANTED in words_of(ours), path
        assert PLANTED not in words_of(theirs), path
