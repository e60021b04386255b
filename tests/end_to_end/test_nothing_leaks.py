"""Planted addresses, a token, a private repository: collected, published, and looked for in everything that comes out."""

import asyncio
import itertools
import logging

import duckdb
import httpx
import pyarrow.parquet
from installations import LONG_AGO, OWNER, TOKEN, Installation, commits

from api.kit.settings import Settings
from api.main import create_app
from github_stand_in.changes import NewCommit
from github_stand_in.server import StandIn

DOMAINS = ("planted-one.example", "planted-two.example", "planted-three.example", "planted-four.example")
PRIVATE = "hidden-treasure"
FORMATS = ("json", "csv", "ndjson", "parquet", "svg")
ACCEPTED = ("*/*", "text/csv", "application/jsonl", "application/vnd.apache.parquet", "image/svg+xml", "text/html")


def planted() -> list[NewCommit]:
    """An address alone, in a name, in the login of an account and of a bot, in a name without an address, in odd clothes."""
    people = [
        ("Plain Person", f"plain@{DOMAINS[0]}"),
        (f"Named (named@{DOMAINS[1]})", "somebody@elsewhere.example"),
        (f"login@{DOMAINS[2]}", f"4711+login@{DOMAINS[2]}@users.noreply.github.com"),
        (f"bot@{DOMAINS[2]}[bot]", f"99+bot@{DOMAINS[2]}[bot]@users.noreply.github.com"),
        (f"only@{DOMAINS[3]}", "no-address"),
        ("Shouting", f"SHOUTING@{DOMAINS[3].upper()}"),
        ("=cmd|'calc'!A1", "formula@elsewhere.example"),
    ]
    return [NewCommit(name, address, LONG_AGO) for name, address in people]


def looked_for(installation: Installation, github: StandIn) -> set[bytes]:
    """Whatever must not come out, in small letters."""
    words = [*DOMAINS, "elsewhere.example", "example.invalid", "users.noreply", TOKEN, PRIVATE, "mallory"]
    words += [str(installation.home), str(installation.home.parent), "landing/", "warehouse.duckdb"]
    words += [github.api_url, (installation.home / "landing" / "key").read_bytes().decode("latin-1")]
    return {word.lower().encode() for word in words}


def test_nothing_that_is_not_public_comes_out(installation: Installation, github: StandIn, monkeypatch, caplog) -> None:
    github.push("acme/tools", planted())
    github.create(f"{OWNER}/{PRIVATE}", private=True, created_at="2024-01-15T00:00:00Z")
    github.push(f"{OWNER}/{PRIVATE}", commits("mallory"))
    done = installation.run("run", OWNER)
    assert done.returncode == 0, done.stderr
    secrets = looked_for(installation, github)
    snapshots = [path for path in (installation.home / "published").rglob("*.duckdb") if not path.is_symlink()]
    assert {path.parent.name for path in snapshots} == {"contributors", "catalogue"}
    commit_files = (installation.home / "landing" / "commits").glob("*.parquet")
    landed = str([pyarrow.parquet.read_table(path).to_pylist() for path in commit_files])
    assert all(domain in landed.lower() for domain in DOMAINS)  # what is looked for below was collected
    assert "Mallory" not in landed

    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
    outputs = {
        f"file {path.name}": path.read_bytes()
        for path in (installation.home / "published").rglob("*")
        if path.is_file()
    }
    for snapshot in snapshots:
        assert f"file {snapshot.name}" in outputs
        with duckdb.connect(
            str(snapshot), read_only=True
        ) as connection:  # its bytes may be compressed: the words are not
            for (table,) in connection.execute("select table_name from duckdb_tables()").fetchall():
                content = str(connection.execute(f"from {table}").fetchall()).encode()
                outputs[f"table {snapshot.parent.name}/{table}"] = content
    app = create_app(Settings(published=installation.home / "published"))
    with caplog.at_level(logging.DEBUG):
        outputs |= all_answers(app, {path.stem for path in snapshots})
    app.state.store.close()
    outputs |= {
        f"log {number}": f"{record.getMessage()} {record.__dict__}".encode()
        for number, record in enumerate(caplog.records)
        if record.name.startswith("git_contrib")
    }
    assert sum(name.startswith("log") for name in outputs) > 100
    for name, content in outputs.items():
        searched = content.lower()
        if name.startswith("log"):  # where our own code lies is in every record of Python's; it is not written
            searched = searched.replace(str(__file__).rpartition("/tests/")[0].lower().encode(), b"")
        for word in secrets:
            assert word not in searched, f"{word!r} in {name}"
    # whom it may tell is told
    people = outputs["/v1/contributors/new?from=0001-01 (*/*)"]
    assert b"Plain Person" in people
    assert b'"contributor":null' in people


def all_answers(app, snapshots: set[str]) -> dict[str, bytes]:
    """Every route in every format, as it is and under conditions, with its headers; failures too."""
    repository, month = "acme/tools", f"{LONG_AGO:%Y-%m}"
    known = {"{owner}/{name}": repository, "{month}": month, "{name}": "invalid-parameter"}
    paths = set()
    for template in app.openapi()["paths"]:
        path = template
        for written, value in known.items():
            path = path.replace(written, value)
        paths |= {path.replace("{suffix}", suffix) for suffix in FORMATS}
    paths |= {"/", "/docs", "/openapi.json", "/problems/not-found", "/nothing", "/v1/new-contributors?x=1"}
    paths |= {f"/v1/contributors/new?from=0001-01{more}" for more in ("", "&first_in=organisation", "&bots=true")}
    paths |= {f"/v1/contributors/new.{suffix}?from=0001-01" for suffix in FORMATS}
    paths |= {f"/v1/repositories/{OWNER}/{name}" for name in (PRIVATE[:-1], "nobody", "empty")}
    found: dict[str, bytes] = {}

    async def ask() -> None:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            for path, accept in itertools.product(sorted(paths), ACCEPTED):
                answer = await client.get(path, headers={"accept": accept})
                assert answer.status_code < 500, path
                found[f"{path} ({accept})"] = answer.content
                found[f"headers of {path} ({accept})"] = str(answer.headers.raw).encode()
                if accept == "*/*" and answer.status_code == 200 and path.startswith("/v1"):
                    assert answer.headers["x-snapshot"] in snapshots

    asyncio.run(ask())
    assert sum(name.startswith("/v1") for name in found) > 100
    return found
