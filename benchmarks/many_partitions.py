"""An organisation of 10,000 repositories: listing it, a crawl of 100 of them, `status`, and the pages of the Dagster UI.

python benchmarks/many_partitions.py [--repositories 10000] [--crawled 100]
"""

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
from measuring import git_contrib, machine, run, scratch, table
from synthetic import OWNER, served

from github_stand_in.server import running_as_process

TOKEN = "benchmark-token"
_PARTITIONS = """{ assetNodeOrError(assetKey: {path: ["landing", "commits"]}) { ... on AssetNode {
  assetPartitionStatuses { ... on DefaultPartitionStatuses { materializedPartitions failedPartitions unmaterializedPartitions } }
} } }"""
_GRAPH = "{ assetNodes { id assetKey { path } groupName partitionStats { numMaterialized numFailed numPartitions } } }"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repositories", type=int, default=10_000)
    parser.add_argument("--crawled", type=int, default=100)
    parser.add_argument("--work", choices=("listing", "crawl"), help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.work:
        work(chosen.work, chosen.crawled)
        return
    print(machine(), "\n")
    with scratch() as folder:
        organisation(folder / "root", chosen.repositories, chosen.crawled)
        home = folder / "home"
        with running_as_process(folder / "root", tokens=[TOKEN]) as stand_in:
            kept = {key: value for key, value in os.environ.items() if not key.startswith(("GIT", "DAGSTER"))}
            ours = {"GITHUB_TOKEN": TOKEN, "GIT_CONTRIB_HOME": str(home), "GIT_CONTRIB_TARGETS": OWNER}
            environment = {**kept, **stand_in.environment(), **ours}
            options = ["--repositories", str(chosen.repositories), "--crawled", str(chosen.crawled)]
            costs = {}
            for name, what in (("listing", "listing, all partitions registered"), ("listing", "listing again")):
                costs[what] = run([sys.executable, __file__, *options, "--work", name], environment)
            crawl = f"{chosen.crawled} partitions as one ranged run: crawl, all tables, snapshot"
            costs[crawl] = run([sys.executable, __file__, *options, "--work", "crawl"], environment)
            costs["`git-contrib status`"] = git_contrib(home, stand_in.environment(), "status")
            pages = in_the_ui(home, environment)
    rows = [(what, cost.seconds, cost.cpu_seconds, cost.peak) for what, cost in costs.items()]
    print(f"{chosen.repositories:,} repositories; whole processes, their start included\n")
    table(("", "seconds", "CPU seconds", "largest process"), [*rows, *((what, took, "", "") for what, took in pages)])


def organisation(root: Path, repositories: int, crawled: int) -> None:
    """A listing of so many; the first of them, in the order of their names, have a history."""
    served(root, "repository-00000", 50)
    (first,) = json.loads((root / "repositories.json").read_text())
    listing = []
    for number in range(repositories):
        name = f"repository-{number:05}"
        listing.append({**first, "id": 1000 + number, "name": name, "full_name": f"{OWNER}/{name}"})
        if 0 < number < crawled:
            shutil.copytree(root / OWNER / "repository-00000.git", root / OWNER / f"{name}.git")
    (root / "repositories.json").write_text(json.dumps(listing))


def work(name: str, crawled: int) -> None:
    """A job of ours in this process."""
    import dagster as dg

    from git_contrib_assets.definitions import defs
    from git_contrib_assets.graph.partitions import repository_partitions
    from git_contrib_assets.storage.home import Home, prepare_instance

    home = Home(Path(os.environ["GIT_CONTRIB_HOME"]))
    os.environ["DAGSTER_HOME"] = str(prepare_instance(home))
    quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    with dg.DagsterInstance.get() as instance:
        if name == "listing":
            assert defs.resolve_job_def("catalogue").execute_in_process(instance=instance, run_config=quiet).success
            return
        names = sorted(instance.get_dynamic_partitions(repository_partitions.name or ""))
        tags = {
            "dagster/asset_partition_range_start": names[0],
            "dagster/asset_partition_range_end": names[crawled - 1],
        }
        job = defs.resolve_job_def("refresh")
        assert job.execute_in_process(instance=instance, tags=tags, run_config=quiet).success


def in_the_ui(home: Path, environment: dict[str, str]) -> list[tuple[str, float]]:
    """Seconds of what the UI asks for."""
    command = [sys.executable, "-m", "git_contrib_assets", "--home", str(home), "up", "--port", "0", "--ui-port", "0"]
    start = time.perf_counter()
    found = []
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        address = ""
        for line in process.stdout:
            if shown := re.search(r"UI on (\S+)", line):
                address = shown[1]
                break
        found.append(("`up`: from its start to the UI", time.perf_counter() - start))
        with httpx.Client(base_url=address, timeout=120, trust_env=False) as client:
            for what, query in (
                ("the UI's asset graph with partition counts", _GRAPH),
                ("all partition statuses of landing/commits", _PARTITIONS),
            ):
                for times in ("first", "again"):
                    start = time.perf_counter()
                    answer = client.post("/graphql", json={"query": query}).json()
                    assert not answer.get("errors"), answer
                    found.append((f"{what}, {times}", time.perf_counter() - start))
        process.send_signal(signal.SIGINT)
        process.stdout.read()
    return found


if __name__ == "__main__":
    main()
