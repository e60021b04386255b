"""Throughput of the API beside a constant answer of the same size, and beside Datasette over the same table.

    python benchmarks/api.py [--seconds 5] [--connections 16] [--datasette PYTHON]

One worker each, one after the other, over loopback; wrk requests the series of a random repository each time; to be
answered from the cache, one of 150. The ids follow another order than the names, as on GitHub. Needs
wrk on the PATH. PYTHON is the interpreter of an environment that holds Datasette; without it that line is left out.
"""

import argparse
import contextlib
import datetime as dt
import os
import platform
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import duckdb

from git_contrib_assets.serving.contract import CURRENT_LINK
from git_contrib_assets.serving.contract.contributors import PUBLICATION

SIZES = (150, 10_000)
MONTHS = 200
# the number of different answers that are requested from the cache, which holds them all
KEPT = 150
GOALS = {"cached": ("constant", 0.8), "uncached": ("datasette", 3.0)}

MONTHLY = """
    select
        1 + (i // $months * 7919) % $repositories as repository_id,
        printf('acme/repository-%05d', i // $months) as repository,
        (date '2010-01-01' + to_months((i % $months)::integer))::date as date,
        (hash(i) % 30)::bigint as number_of_new_contributors,
        (hash(i) % 2)::bigint as number_of_new_bots,
        (i % $months * 15)::bigint as cumulative_contributors,
        false as is_fork
    from range($repositories * $months) as made(i)
"""
REPOSITORIES = """
    select
        1 + (i * 7919) % $repositories as repository_id,
        printf('acme/repository-%05d', i) as repository,
        1 as owner_id,
        'acme' as owner,
        printf('repository-%05d', i) as name,
        timestamp '2010-01-01' as created_at,
        false as is_fork,
        false as is_archived,
        'complete' as state
    from range($repositories) as made(i)
"""
SNAPSHOT = """
    select
        'benchmark' as snapshot_id,
        timestamp '2026-09-01' as built_at,
        timestamp '2026-09-01' as checked_at,
        timestamp '2026-09-01' as as_of,
        date '2026-07-31' as complete_through,
        'account' as identity,
        0 as emails,
        0 as emails_not_asked,
        1 as definition_version,
        1 as contract_version,
        '' as fingerprint
"""
ROWS = {"monthly_new_contributors": MONTHLY, "repositories": REPOSITORIES, "snapshot": SNAPSHOT}

# the working folder is empty: `api` must be the installed package, not this file
API = """
import sys, uvicorn
from pathlib import Path
from api.main import create_app
from api.kit.settings import Settings
app = create_app(Settings(published=Path(sys.argv[2]), cache_bytes=int(sys.argv[3])))
uvicorn.run(app, port=int(sys.argv[1]), log_level="warning", access_log=False)
"""
CONSTANT = """
import sys, uvicorn
from fastapi import FastAPI, Response
app, body = FastAPI(), b"x" * int(sys.argv[2])
@app.get("/constant")
async def constant():
    return Response(body, media_type="application/json")
uvicorn.run(app, port=int(sys.argv[1]), log_level="warning", access_log=False)
"""


@dataclass(frozen=True)
class Measured:
    """What wrk and the system say of one server."""

    requests_per_second: float
    p99_milliseconds: float
    failed: int
    megabytes: float
    answer_bytes: int


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=5, help="length of each measurement")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--datasette", metavar="PYTHON", help="interpreter of an environment with Datasette")
    options = parser.parse_args()
    if shutil.which("wrk") is None:
        parser.error("wrk is not on the PATH")
    print(about(options.datasette))
    for repositories in SIZES:
        with tempfile.TemporaryDirectory() as folder:
            report(repositories, measure_all(Path(folder), repositories, options))


def about(datasette: str | None) -> str:
    """The machine, the versions, the day."""
    names = ("fastapi", "starlette", "uvicorn", "duckdb", "orjson", "pyarrow")
    versions = [f"Python {platform.python_version()}", *(f"{name} {version(name)}" for name in names)]
    if datasette:
        versions.append(output(datasette, "-m", "datasette", "--version").replace(", version", ""))
    return "\n".join(
        (
            f"{dt.datetime.now(dt.UTC):%Y-%m-%d %H:%M} UTC · {os.cpu_count()} cores · {processor()}",
            ", ".join(versions),
        )
    )


def processor() -> str:
    """The model of the processor, as far as the system tells."""
    with contextlib.suppress(OSError):
        found = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
        if found:
            return found[1]
    return platform.processor() or platform.machine()


def output(*command: str) -> str:
    """What a command prints."""
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def measure_all(folder: Path, repositories: int, options: argparse.Namespace) -> dict[str, Measured]:
    """The servers, one after the other."""
    publish(folder / "published", repositories)
    ours = "/v1/repositories/acme/repository-%05d/new-contributors"
    published = str(folder / "published")

    def measured(command: list[str], path: str, *, different: int = repositories) -> Measured:
        return measure(command, path, folder, different, options)

    python = [sys.executable, "-c"]
    found = {}
    found["cached"] = measured([*python, API, "PORT", published, str(64 * 1024 * 1024)], ours, different=KEPT)
    found["uncached"] = measured([*python, API, "PORT", published, "0"], ours)
    size = str(found["cached"].answer_bytes)
    found["constant"] = measured([*python, CONSTANT, "PORT", size], "/constant")
    if options.datasette:
        file = folder / "marts.db"
        to_sqlite(folder / "published" / CURRENT_LINK, file)
        command = [options.datasette, "-m", "datasette", "serve", str(file), "--port", "PORT"]
        query = "repository=acme%%2Frepository-%05d&_size=200&_shape=array&_nocount=1"
        found["datasette"] = measured(command, f"/marts/monthly_new_contributors.json?{query}")
    return found


def publish(folder: Path, repositories: int) -> None:
    """A snapshot of the published shape, its rows in the published order."""
    folder.mkdir()
    with duckdb.connect(str(folder / "benchmark.duckdb")) as connection:
        for table in PUBLICATION.all_tables:
            columns = ", ".join(f"{column.name} {column.type}" for column in table.columns)
            connection.execute(f"create table {table.name} ({columns})")
            if table.name in ROWS:
                numbers = {"repositories": repositories, "months": MONTHS}
                given = {name: number for name, number in numbers.items() if f"${name}" in ROWS[table.name]}
                connection.execute(f"insert into {table.name} by name {ROWS[table.name]}", given)
    (folder / CURRENT_LINK).symlink_to("benchmark.duckdb")


def to_sqlite(source: Path, file: Path) -> None:
    """The same table for Datasette, with the index that its query wants."""
    with (
        duckdb.connect(str(source.resolve()), read_only=True) as duck,
        contextlib.closing(sqlite3.connect(file)) as lite,
    ):
        columns = [column.name for column in PUBLICATION.all_tables[0].columns]
        lite.execute(f"create table monthly_new_contributors ({', '.join(columns)})")
        rows = duck.execute("select * replace (date::varchar as date) from monthly_new_contributors")
        insert = f"insert into monthly_new_contributors values ({', '.join('?' for _ in columns)})"  # noqa: S608
        while some := rows.fetchmany(50_000):
            lite.executemany(insert, some)
        lite.execute("create index by_repository on monthly_new_contributors (repository, date)")
        lite.commit()


def measure(command: list[str], path: str, folder: Path, different: int, options: argparse.Namespace) -> Measured:
    """One server under wrk, for a second before it counts."""
    empty = folder / "empty"
    empty.mkdir(exist_ok=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    script = folder / "random.lua"
    address = f'string.format("{path}", math.random(0, {different - 1}))' if "%05d" in path else f'"{path}"'
    script.write_text(f'math.randomseed(7)\nrequest = function() return wrk.format("GET", {address}) end\n')
    started = [part if part != "PORT" else str(port) for part in command]
    with subprocess.Popen(started, cwd=empty, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
        try:
            size = first_answer(process, f"http://127.0.0.1:{port}{path % 0 if '%05d' in path else path}")
            wrk(port, script, 1, options.connections)
            text = wrk(port, script, options.seconds, options.connections)
            return Measured(*figures(text), megabytes=memory(process.pid), answer_bytes=size)
        finally:
            process.terminate()


def first_answer(process: "subprocess.Popen[bytes]", address: str) -> int:
    """Bytes of the answer, once the server gives it."""
    deadline = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(address, timeout=10) as answer:  # noqa: S310 - our own
                return len(answer.read())
        except urllib.error.URLError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def wrk(port: int, script: Path, seconds: int, connections: int) -> str:
    """What wrk prints."""
    options = ["-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", str(script)]
    return output("wrk", *options, f"http://127.0.0.1:{port}")


def figures(text: str) -> Iterator[float]:
    """Requests per second, the 99th percentile in milliseconds, answers that are no success."""
    yield float(re.search(r"Requests/sec:\s*([\d.]+)", text)[1])
    number, unit = re.search(r"99%\s*([\d.]+)(us|ms|s)", text).groups()
    yield float(number) * {"us": 0.001, "ms": 1, "s": 1000}[unit]
    failed = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", text)
    yield int(failed[1]) if failed else 0 + sum(map(int, errors.groups()) if errors else ())


def memory(process: int) -> float:
    """Resident megabytes; not a number if there is no /proc."""
    with contextlib.suppress(OSError):
        found = re.search(r"VmRSS:\s*(\d+)", Path(f"/proc/{process}/status").read_text())
        if found:
            return int(found[1]) / 1024
    return float("nan")


def report(repositories: int, found: dict[str, Measured]) -> None:
    """A table, then the ratios that are goals."""
    rows = repositories * MONTHS
    print(f"\n{repositories:,} repositories x {MONTHS} months = {rows:,} rows; one repository's months per answer")
    print(f"{'':10} {'requests/s':>10} {'p99 ms':>8} {'failed':>6} {'RSS MB':>7} {'bytes':>7}")
    for name, one in found.items():
        print(
            f"{name:10} {one.requests_per_second:>10,.0f} {one.p99_milliseconds:>8.1f} {one.failed:>6}"
            f" {one.megabytes:>7.0f} {one.answer_bytes:>7}"
        )
    for name, (beside, goal) in GOALS.items():
        if beside in found:
            ratio = found[name].requests_per_second / found[beside].requests_per_second
            print(f"{name} / {beside} = {ratio:.2f} (goal {goal}: {'reached' if ratio >= goal else 'missed'})")


if __name__ == "__main__":
    main()
