"""What Dagster adds to a cold crawl: as one run over all partitions (ours), and as one run for each of them.

python benchmarks/dagster_overhead.py [--root FOLDER --owner OWNER] [--times 3]

The same crawl three times, in a process of its own each: by plain functions, as one ranged run, and as a run for each
partition. The last is measured in one process, which flatters it: Dagster's launcher starts a process for each run,
whose start is measured apart.
"""

import argparse
import asyncio
import json
import os
import resource
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

from measuring import git_contrib, machine, run, scratch, table

from github_stand_in import organisation
from github_stand_in.server import running_as_process

WAYS = ("plain", "one run", "a run each")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path)
    parser.add_argument("--owner", default=organisation.OWNER)
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.way:
        crawl(chosen.way)
        return
    print(machine(), "\n")
    with scratch() as folder:
        root = chosen.root or organisation.build(folder / "organisation")
        with running_as_process(root) as stand_in:
            addresses = stand_in.environment()
            listed = folder / "listed"
            git_contrib(listed, addresses, "run", chosen.owner)
            for cache in ("git", "landing/commits"):
                shutil.rmtree(listed / cache)
            costs: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
            for number in range(chosen.times):
                for way, found in costs.items():
                    home = folder / f"{way}{number}"
                    shutil.copytree(listed, home, symlinks=True)
                    kept = {key: value for key, value in os.environ.items() if not key.startswith(("GIT", "DAGSTER"))}
                    cost = run(
                        [sys.executable, __file__, "--way", way], {**kept, **addresses, "GIT_CONTRIB_HOME": str(home)}
                    )
                    found.append(json.loads(cost.output.splitlines()[-1]))
    show({way: min(found, key=lambda one: one["cpu"]) for way, found in costs.items()}, chosen.times)


def show(least: dict[str, dict[str, float]], times: int) -> None:
    """Print the figures."""
    plain, one, each = (least[way] for way in WAYS)
    repositories = int(one["repositories"])
    start = each["imports_cpu"] - plain["imports_cpu"]
    print(f"{repositories} repositories by git; the least of {times} runs\n")
    table(
        ("", "seconds", "CPU seconds, git's included", "of this Dagster's"),
        [
            ("the crawl by plain functions", plain["seconds"], plain["cpu"], ""),
            ("as one run over all partitions", one["seconds"], one["cpu"], one["cpu"] - plain["cpu"]),
            ("as a run for each partition, in one process", each["seconds"], each["cpu"], each["cpu"] - plain["cpu"]),
            ("Dagster's and our definitions' start, once for each process", "", start, start),
        ],
    )
    ours, theirs = one["cpu"] - plain["cpu"] + start, each["cpu"] - plain["cpu"] + start
    launched = each["cpu"] - plain["cpu"] + repositories * start
    print(
        f"Dagster's share with its start: {ours:.2f} CPU seconds as one run; {theirs:.2f} as a run each in one process "
        f"({ours / theirs:.2f} of it); {launched:.2f} with a process for each run, as its launcher does ({ours / launched:.2f})\n"
    )


def crawl(way: str) -> None:
    """One crawl of everything in GIT_CONTRIB_HOME, in this process."""
    began = cpu()
    work = plainly() if way == "plain" else by_dagster(each=way == "a run each")
    imports = cpu() - began
    before, start = cpu(), time.perf_counter()
    repositories = work()
    figures = {"seconds": time.perf_counter() - start, "cpu": cpu() - before, "imports_cpu": imports}
    print(json.dumps({**figures, "repositories": repositories}))


def cpu() -> float:
    """CPU seconds of this process and of the programs it ran."""
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in both)


def plainly() -> Callable[[], int]:
    """The crawl without Dagster."""
    from git_contrib_assets.landing.crawl import Crawl
    from git_contrib_assets.landing.visibility import VisibilityOnGitHub
    from git_contrib_assets.settings import Settings
    from git_contrib_assets.sources.github.client import GitHubClient
    from git_contrib_assets.sources.github.limits import Budget
    from git_contrib_assets.sources.histories.git import GitHistory
    from git_contrib_assets.storage.home import Home
    from git_contrib_assets.storage.landing_zone import LandingZone

    settings = Settings.from_environment()
    landing = LandingZone(Home(settings.home))
    landing.prepare()
    repositories = landing.repositories.all()

    async def work() -> int:
        async with GitHubClient(settings, Budget()) as client:
            visibility = VisibilityOnGitHub(client, repositories)
            made = Crawl(landing, GitHistory(settings, Home(settings.home).git), visibility, "benchmark")
            return len([one async for one in made.run([], repositories) if not one.failed])

    return lambda: asyncio.run(work())


def by_dagster(*, each: bool) -> Callable[[], int]:
    """The crawl as Dagster runs it."""
    import dagster as dg

    from git_contrib_assets.definitions import defs
    from git_contrib_assets.graph.partitions import repository_partitions
    from git_contrib_assets.storage.home import Home, prepare_instance

    os.environ["DAGSTER_HOME"] = str(prepare_instance(Home(Path(os.environ["GIT_CONTRIB_HOME"]))))
    job = defs.resolve_job_def("refresh")
    only = [dg.AssetKey(["landing", "commits"]), dg.AssetKey(["landing", "crawl_log"])]

    def work() -> int:
        with dg.DagsterInstance.get() as instance:
            names = instance.get_dynamic_partitions(repository_partitions.name or "")
            ranges = [(name, name) for name in names] if each else [(names[0], names[-1])]
            for first, last in ranges:
                tags = {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}
                quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
                job.execute_in_process(instance=instance, tags=tags, asset_selection=only, run_config=quiet)
            return len(names)

    return work


if __name__ == "__main__":
    main()
