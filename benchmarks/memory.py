"""Peak memory of a whole `git-contrib run` at few and at many commits in one repository, by both sources.

python benchmarks/memory.py [--sizes 1000,200000]

By REST, 200,000 commits are 2,000 requests, which our 800 a minute stretch to two and a half minutes.
"""

import argparse

from measuring import git_contrib, machine, scratch, table
from synthetic import OWNER, served

from github_stand_in.server import running_as_process

TOKEN = "benchmark"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="1000,200000")
    chosen = parser.parse_args()
    print(machine(), "\n")
    rows: list[tuple[object, ...]] = []
    for commits in map(int, chosen.sizes.split(",")):
        with scratch() as folder:
            served(folder / "root", "large", commits)
            for source in ("git", "rest"):
                with running_as_process(folder / "root", tokens=[TOKEN]) as stand_in:
                    addresses = stand_in.environment()
                    cost = git_contrib(folder / source, addresses, "run", OWNER, token=TOKEN, GIT_CONTRIB_SOURCE=source)
                rows.append((commits, source, cost.peak, cost.seconds, cost.cpu_seconds))
    print("The largest process of the run: ours, with Dagster, DuckDB and Arrow in it\n")
    table(("commits in one repository", "source", "peak", "seconds", "CPU seconds"), rows)


if __name__ == "__main__":
    main()
