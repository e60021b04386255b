"""All tables from landing, checked and published, beside a plain scan of the same Parquet files.

python benchmarks/recompute.py [--sizes 371929,10000000] [--times 3]
"""

import argparse
import os
import shutil
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from measuring import Cost, machine, run, scratch, table
from synthetic import landed

TABLES = {
    "warehouse": ("repositories", "owners", "commits", "known_bots", "authors"),
    "marts": ("contributors", "first_commits", "monthly_new_contributors", "repositories"),
}
SCAN = (
    "select max(sha), max(author_name), max(author_email), max(authored_at), max(committed_at), max(parent_count) from "
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="371929,10000000")
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--scan", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--selects", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--tables", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    for part, folder in ((scan, chosen.scan), (selects, chosen.selects), (tables, chosen.tables)):
        if folder:
            part(folder)
            return
    print(machine(), "\n")
    rows: list[tuple[object, ...]] = []
    for commits in map(int, chosen.sizes.split(",")):
        with scratch() as folder:
            rows += measure(folder, commits, chosen.times)
    print(
        f"The least of {chosen.times} runs each, taken in turn; imports and Dagster's start left out of the seconds\n"
    )
    table(("commits", "", "seconds", "largest process"), rows)


def measure(folder: Path, commits: int, times: int) -> list[tuple[object, ...]]:
    """The rows of one size."""
    from git_contrib_assets.storage.home import Home

    repositories = max(50, commits // 10_000)
    home = Home(folder)
    home.prepare()
    landed(home, repositories, commits)
    runs = {option: [] for option in ("--scan", "--selects", "--tables")}
    for _ in range(times):
        for option, done in runs.items():
            done.append(child(option, folder))
    (scanned, scan_cost), (selected, select_cost), (made, made_cost) = (
        min(done, key=seconds_of) for done in runs.values()
    )
    return [
        (commits, "floor: a plain scan of all columns", scanned, scan_cost.peak),
        (commits, f"all tables of {repositories:,} repositories, and publishing", selected, select_cost.peak),
        (commits, "the same as a Dagster run, with checks, previews and metadata", made, made_cost.peak),
        (commits, "that run's process from start to end", made_cost.seconds, ""),
    ]


def seconds_of(measured: tuple[float, Cost]) -> float:
    """What to take the least of."""
    return measured[0]


def child(option: str, folder: Path) -> tuple[float, Cost]:
    """Seconds that the work took by its own clock, and what its process took."""
    (folder / "warehouse.duckdb").unlink(missing_ok=True)
    shutil.rmtree(folder / "published", ignore_errors=True)
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("GIT_CONTRIB_", "DAGSTER_"))}
    cost = run([sys.executable, __file__, option, str(folder)], {**kept, "GIT_CONTRIB_HOME": str(folder)})
    return float(cost.output.splitlines()[-1]), cost


def scan(folder: Path) -> None:
    """Every value of every column, as DuckDB reads it with the memory and threads that we allow it."""
    import duckdb

    from git_contrib_assets.storage.warehouse import MEMORY_LIMIT

    connection = duckdb.connect(config={"memory_limit": MEMORY_LIMIT})
    start = time.perf_counter()
    connection.execute(f"{SCAN} read_parquet('{folder}/landing/commits/*.parquet')").fetchall()
    print(time.perf_counter() - start)


def selects(folder: Path) -> None:
    """Every table from landing, and a snapshot of them: plain functions, nothing of Dagster's."""
    from git_contrib_assets.serving.contract.contributors import PUBLICATION
    from git_contrib_assets.serving.publish import publish
    from git_contrib_assets.storage.home import Home
    from git_contrib_assets.storage.landing_zone import LandingZone
    from git_contrib_assets.storage.warehouse import build_table, open_warehouse

    home, now = Home(folder), datetime.now(UTC).replace(tzinfo=None)
    home.prepare()
    parameters = {"as_of": now, "key": LandingZone(home).key().decode()}
    start = time.perf_counter()
    with open_warehouse(home) as connection:
        for layer, names in TABLES.items():
            for name in names:
                build_table(connection, layer, name, parameters)
        publish(connection, home, PUBLICATION, as_of=now)
    print(time.perf_counter() - start)


def tables(folder: Path) -> None:
    """All that comes after landing, in one Dagster run of this process."""
    import dagster as dg

    from git_contrib_assets.definitions import defs
    from git_contrib_assets.storage.home import Home, prepare_instance

    os.environ["DAGSTER_HOME"] = str(prepare_instance(Home(folder)))
    job = defs.resolve_job_def("refresh")
    after = [key for key in job.asset_layer.executable_asset_keys if key.path[0] != "landing"]
    with dg.DagsterInstance.get() as instance:
        start = time.perf_counter()
        # Invented histories are no complete crawl: a check may say so, and the tables are published all the same.
        job.execute_in_process(instance=instance, asset_selection=after, raise_on_error=False)
        seconds = time.perf_counter() - start
    assert list((folder / "published").glob("*.duckdb")), "nothing was published"
    print(seconds)


if __name__ == "__main__":
    main()
