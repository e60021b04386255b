"""What somebody would try who means harm: each is refused or finds nothing, and nothing is the other afterwards."""

import asyncio
import hashlib
import json
import re
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote

import pytest
from api_routes import address
from fastapi import FastAPI

from api.kit.problems import MOST_ERRORS

REPEATS = 10_000
SECONDS = 5.0
SQL = [
    "'; drop table repositories; --",
    "' or '1'='1",
    '" or ""="',
    "1; attach 'x.duckdb' as x",
    "anvil') union select name, name, name from contributors --",
    "read_text('/etc/passwd')",
    "$1",
    "?",
    "%' or true --",
    "\\'; copy snapshot to 'x.csv' --",
    "pragma database_list",
    "/**/union/**/select",
]
TRAVERSAL = [
    "/static/../../etc/passwd",
    "/static/../main.py",
    "/static/%2e%2e/main.py",
    "/static/..%2fmain.py",
    "/static/%2e%2e%2f%2e%2e%2fREADME.md",
    "/static/..%5cmain.py",
    "/static/....//main.py",
    "/static//etc/passwd",
    "/static/%2fetc%2fpasswd",
    "/static/vendor/../../main.py",
    "/static/%252e%252e/main.py",
    "/static/..;/main.py",
    "/static/%c0%ae%c0%ae/main.py",
    "/static/main.py%00.css",
    "/problems/../../etc/passwd",
    "/problems/..%2f..%2fetc%2fpasswd",
    "/v1/repositories/../../etc/passwd",
    "/v1/repositories/%2e%2e/%2e%2e",
    "/v1/repositories/..%2f..%2fetc/passwd",
    "/v1/repositories/acme/anvil/../../../../etc/passwd",
    "/v1/repositories/acme/anvil/new-contributors/..%2f..%2f2016-02",
    "/v1/new-contributors.csv/../../../etc/passwd",
    "//etc/passwd",
    "/../../../../etc/passwd",
]
ODD = {
    "NUL": "%00",
    "a byte that is no UTF-8": "%ff",
    "an overlong slash": "%c0%af",
    "half a surrogate pair": "%ed%a0%80",
    "a cut character": "%e2%82",
    "UTF-16": "%fe%ff%00a%00c",
    "UTF-7": "+ADw-script+AD4-",
    "no hexadecimal": "%zz",
    "a lone percent sign": "%",
    "right to left": "%e2%80%aeacme",
    "a byte order mark": "%ef%bb%bfacme",
    "a line break": "%0d%0aSet-Cookie:%20a=b",
    "markup": "%3Cscript%3Ealert(1)%3C/script%3E",
    "a decomposed letter": "e%cc%81",
    "a dotless i": "%c4%b0",
}
SECRETS = re.compile(r"root:.*:0:0|import annotations|^from |def create_app|FastAPI\(", re.MULTILINE)


@dataclass(frozen=True)
class Raw:
    """An answer as it left the app."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


Ask = Callable[..., Awaitable[Raw]]


@pytest.fixture
def ask(made_app: FastAPI) -> Iterator[Ask]:
    """Asks with a target and headers that no client would let through; checks what holds for every answer."""
    folder = made_app.state.settings.published

    def state() -> dict[str, str]:
        files = [path for path in folder.parent.rglob("*") if path.is_file()]
        return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}

    before = state()

    async def asked(target: str, headers: list[tuple[bytes, bytes]] | None = None, method: str = "GET") -> Raw:
        raw, _, query = target.partition("?")
        sent = []

        async def receive() -> dict:
            await asyncio.Event().wait()
            return {}

        async def send(message: dict) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "scheme": "http",
            "method": method,
            "path": unquote(raw),  # as uvicorn decodes it
            "raw_path": raw.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(b"host", b"test"), *(headers or [])],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
        }
        started = time.process_time()  # of work: a machine that halts meanwhile is not ours to answer for
        await made_app(scope, receive, send)
        assert time.process_time() - started < SECONDS
        found = {name.decode("latin-1"): value.decode("latin-1") for name, value in sent[0]["headers"]}
        answer = Raw(sent[0]["status"], found, b"".join(message.get("body", b"") for message in sent[1:]))
        assert answer.status < 500, answer.text
        for name, value in found.items():
            assert not re.search(r"[\r\n\0]", name + value)
        assert "set-cookie" not in found
        if answer.status >= 400 and method != "HEAD":
            assert found["content-type"] == "application/problem+json"
            assert json.loads(answer.body)["status"] == answer.status
            assert len(answer.body) < 20_000
        return answer

    yield asked
    assert state() == before


def parameters(app: FastAPI) -> list[tuple[str, str, str]]:
    """Address, place and name of every parameter of the API."""
    return [
        (path, one["in"], one["name"])
        for path, operations in app.openapi()["paths"].items()
        for one in operations["get"].get("parameters", [])
    ]


@pytest.mark.parametrize("target", TRAVERSAL)
async def test_path_traversal(ask, target):
    """No file but those that are meant to be read."""
    answer = await ask(target)
    assert answer.status in {400, 404}
    assert not SECRETS.search(answer.text)


async def test_the_sentinel_would_be_seen(ask):
    """The files that the traversal is after do hold what is looked for."""
    assert (await ask("/static/vendor/swagger-ui/VERSION")).status == 200
    assert SECRETS.search(Path(__file__).read_text("utf-8"))  # noqa: ASYNC240


@pytest.mark.parametrize("text", SQL)
async def test_sql_in_every_parameter(ask, made_app, text):
    """A value is compared or refused, never run: no rows that were not asked for, and all tables are as they were."""
    rows = (await ask("/v1/meta")).text
    tried = 0
    for path, place, name in parameters(made_app):
        if place == "path":
            answer = await ask(address(path, name, quote(text, safe="")))
            assert answer.status in {400, 404}
        else:
            answer = await ask(f"{address(path)}?{quote(name)}={quote(text)}")
            if answer.status == 200:
                # text that is no number is the default there; a text that is part of no name finds nothing
                assert path == "/api/repos" or (name in {"q", "owner"} and b"acme/" not in answer.body)
            else:
                assert answer.status in {400, 404}
        tried += 1
    assert tried > 60
    # the parser of a query splits at `;` no more than at `=`: a name is not run either
    for path in {path for path, _place, _name in parameters(made_app)}:
        assert (await ask(f"{address(path)}?{quote(text)}=1")).status in {200, 400}
    assert (await ask("/v1/meta")).text == rows


@pytest.mark.parametrize(
    "number", ["0", "-1", "1e9", "1.0", "0x10", "9" * 19, "9" * 5000, "1_000", "+1", " 1", "\u0661", "NaN", "inf", "-0"]
)
async def test_oversized_and_odd_pages(ask, made_app, number):
    """A page is a small whole number, and never larger than it may be."""
    for path, _place, name in parameters(made_app):
        if name in {"page", "page_size", "min"}:
            answer = await ask(f"{address(path)}?{name}={quote(number)}")
            if answer.status == 200 and path.startswith("/v1") and path.endswith("s"):
                body = json.loads(answer.body)
                assert 1 <= body["page"] <= 10**9
                assert 1 <= body["page_size"] <= 1000
                assert len(body["items"]) <= body["page_size"]


async def test_the_largest_page(ask):
    """It is far past the end, and empty."""
    for path in ("/v1/new-contributors", "/v1/repositories", "/v1/contributors/new", "/v1/new-contributors.json"):
        answer = await ask(f"{path}?page=1000000000&page_size=1000")
        assert (answer.status, json.loads(answer.body)["items"]) == (200, [])
    assert json.loads((await ask(f"/api/repos?page={2**53 - 1}&page_size=100")).body)["items"] == []


@pytest.mark.parametrize("value", ["acme/anvil", "", "complete", "2016-02", "true", "x" * 50])
async def test_ten_thousand_of_each_parameter(ask, made_app, value):
    """Refused, or the last one counts; at once in either case."""
    for path, place, name in parameters(made_app):
        if place == "query":
            await ask(f"{address(path)}?" + "&".join([f"{quote(name)}={quote(value)}"] * REPEATS))


async def test_ten_thousand_parameters_that_are_none(ask, made_app):
    """Some are told, not all."""
    query = "&".join(f"parameter{number}={number}" for number in range(REPEATS))
    for path in {path for path, _place, _name in parameters(made_app) if path.startswith("/v1")}:
        answer = await ask(f"{address(path)}?{query}")
        assert answer.status == 400
        assert len(json.loads(answer.body)["errors"]) == MOST_ERRORS


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
async def test_odd_encodings(ask, made_app, odd):
    """In every parameter of every route, and as a name of one."""
    for path, place, name in parameters(made_app):
        if place == "path":
            assert (await ask(address(path, name, odd))).status in {400, 404}
        else:
            await ask(f"{address(path)}?{name}={odd}")
            await ask(f"{address(path)}?{odd}={odd}")
    for method in ("HEAD", "OPTIONS", "POST", "BREW"):
        await ask(f"/{odd}", method=method)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("accept", b"\xff\xfe"),
        ("accept", b"text/csv;q=nan, application/json;q=inf"),
        ("accept", b",".join([b"text/csv;q=0.1"] * REPEATS)),
        ("accept", b"text/" + b"x" * 60_000),
        ("accept-encoding", b"gzip;q=\xff, " * 1000),
        ("accept-encoding", b"gzip;q=1e999"),
        ("if-none-match", b"W/" * REPEATS),
        ("if-none-match", b",".join([b'"x"'] * REPEATS)),
        ("if-none-match", b'"\xff'),
        ("x-request-id", b"a\r\nSet-Cookie: a=b"),
        ("x-request-id", b"../../etc/passwd"),
        ("x-request-id", b"x" * 60_000),
        ("x-request-id", b"\xff"),
        ("range", b"bytes=0-0, " * 1000),
        ("origin", b"null\r\n"),
        ("x-http-method-override", b"DELETE"),
        ("host", b"evil.example"),
        ("x-forwarded-prefix", b"//evil.example"),
    ],
    ids=lambda part: part if isinstance(part, str) else None,
)
async def test_odd_headers(ask, name, value):
    """None of them is believed, and none comes back."""
    for path in ("/v1/new-contributors", "/v1/repositories/acme/anvil/new-contributors.csv", "/v1/meta", "/nothing"):
        answer = await ask(path, [(name.encode(), value)])
        assert answer.status in {200, 404}
        assert re.fullmatch(r"[0-9a-f]{16}", answer.headers["x-request-id"])
        assert b"evil.example" not in answer.body
