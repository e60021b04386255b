"""Copying published tables to PostgreSQL, beside ``psql \\copy`` of the same rows as CSV.

python benchmarks/copy_to_postgresql.py [--home HOME | --commits 10000000] [--times 3]

Starts a server of its own from Debian's package postgresql, which waits for the disk as a real one does.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import duckdb
from measuring import Cost, machine, run, scratch, table
from recompute import TABLES
from synthetic import landed

sys.path.append(str(Path(__file__).parents[1] / "tests"))
import postgresql_server

from git_contrib_assets.serving.contract.contributors import PUBLICATION
from git_contrib_assets.serving.postgresql.schema import SCHEMA, Present, key_statements, named_tables, statements
from git_contrib_assets.storage.home import Home

CHANGE = """
update {schema}.contributors set name = name || 'x' where hashtext(contributor_id) % 100 = 0;
update {schema}.monthly_new_contributors set number_of_new_bots = 7 where repository_id % 100 = 0;
delete from {schema}.first_commits where hashtext(contributor_id) % 100 = 0;
delete from {schema}.copies
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, help="a home that has published")
    parser.add_argument("--commits", type=int, default=10_000_000, help="else of invented histories")
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--prepare", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.prepare:
        if not snapshot_of(chosen.home).exists():
            invent(chosen.home, chosen.commits)
        print(*exported(snapshot_of(chosen.home), chosen.prepare))
        return
    print(machine(), "\n")
    with scratch() as folder, postgresql_server.running(durable=True) as server:
        home = chosen.home or folder / "home"
        rows, megabytes = prepare(home, chosen.commits, folder)
        print(f"{rows:,} rows, {megabytes:,.0f} MB as CSV; PostgreSQL {server.query('show server_version')}")
        print(f"The least of {chosen.times} runs each, taken in turn; those of git-contrib with Python's start\n")
        measure(server, home, folder, rows, chosen.times)


def prepare(home: Path, commits: int, folder: Path) -> tuple[int, float]:
    """Invent histories where the home has published nothing, and write all rows as CSV; the rows and megabytes.

    In a process of its own: what is measured afterwards starts with the memory of its parent.
    """
    command = [sys.executable, __file__, "--home", str(home), "--commits", str(commits), "--prepare", str(folder)]
    rows, megabytes = run(command).output.split()
    return int(rows), float(megabytes)


def snapshot_of(home: Path) -> Path:
    return (PUBLICATION.reading_folder(Home(home).published) / "current.duckdb").resolve()


def invent(root: Path, commits: int) -> None:
    """A home with the tables of invented histories."""
    from git_contrib_assets.serving.publish import publish
    from git_contrib_assets.storage.landing_zone import LandingZone
    from git_contrib_assets.storage.warehouse import build_table, open_warehouse

    home, now = Home(root), datetime.now(UTC).replace(tzinfo=None)
    home.prepare()
    landed(home, max(50, commits // 10_000), commits)
    parameters = {"as_of": now, "key": LandingZone(home).key().decode()}
    with open_warehouse(home) as connection:
        for layer, names in TABLES.items():
            for name in names:
                build_table(connection, layer, name, parameters)
        publish(connection, home, PUBLICATION, as_of=now)


def exported(snapshot: Path, folder: Path) -> tuple[int, float]:
    """Write each table as CSV; the number of rows and of megabytes."""
    rows = 0
    with duckdb.connect(str(snapshot), read_only=True) as connection:
        for one in PUBLICATION.all_tables:
            rows += connection.execute(f"copy {one.name} to '{folder}/{one.name}.csv' (header false)").fetchall()[0][0]
    return rows, sum(file.stat().st_size for file in folder.glob("*.csv")) / 1e6


def measure(server: postgresql_server.Server, home: Path, folder: Path, rows: int, times: int) -> None:
    found: dict[str, list[Cost]] = {}
    for _ in range(times):
        with database(server) as name:
            found.setdefault("floor: psql \\copy, no keys", []).append(by_psql(server, name, folder, keys=False))
        with database(server) as name:
            found.setdefault("floor: psql \\copy, then all keys", []).append(by_psql(server, name, folder, keys=True))
        with database(server) as name:
            found.setdefault("`git-contrib copy-to`, first", []).append(ours(server, name, home))
            found.setdefault("again, nothing changed", []).append(ours(server, name, home))
            server.query(CHANGE.format(schema=SCHEMA), name)
            found.setdefault("again, a hundredth of the rows changed", []).append(ours(server, name, home))
    best = {what: min(costs, key=lambda cost: cost.seconds) for what, costs in found.items()}
    table(
        ("", "seconds", "rows per second", "largest process"),
        [
            (what, cost.seconds, "" if "nothing" in what else round(rows / cost.seconds), cost.peak)
            for what, cost in best.items()
        ],
    )


@contextmanager
def database(server: postgresql_server.Server) -> Iterator[str]:
    """An empty database, with the caches written out before and after."""
    with server.database() as name:
        server.query("checkpoint")
        yield name
    server.query("checkpoint")


def ours(server: postgresql_server.Server, name: str, home: Path) -> Cost:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("GIT_CONTRIB_", "PG"))}
    command = [sys.executable, "-m", "git_contrib_assets", "--home", str(home), "copy-to"]
    return run(command, {**kept, "GIT_CONTRIB_POSTGRES_URL": server.url(name)})


def by_psql(server: postgresql_server.Server, name: str, folder: Path, *, keys: bool) -> Cost:
    """All tables in one transaction, made as ours are, but with their keys after the rows or not at all."""
    tables = named_tables(PUBLICATION)
    made = [text for text in statements(Present(), tables) if not text.startswith("comment")]
    script = ["begin;", *(f"{text};" for text in made)]
    script += [f"\\copy {SCHEMA}.{name} from '{folder}/{one.name}.csv' (format csv)" for name, one in tables.items()]
    if keys:
        script += [f"{text};" for text in key_statements(Present(), tables, PUBLICATION)]
    file = folder / "script.sql"
    file.write_text("\n".join([*script, "commit;"]))
    command = ["psql", "-Xq", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", str(server.port)]
    environment = {**os.environ, "PGPASSWORD": postgresql_server.PASSWORD, "PGTZ": "UTC"}
    try:
        return run([*command, "-U", postgresql_server.ADMINISTRATOR, "-f", str(file), name], environment)
    except subprocess.CalledProcessError as error:
        raise SystemExit(error.output) from error


if __name__ == "__main__":
    main()
