"""A cold `git-contrib run` by git, from nothing to the snapshot, beside plain git on the same repositories; then again.

python benchmarks/git_crawl.py [--root FOLDER --owner OWNER]   FOLDER holds what the stand-in serves
"""

import argparse
import json
import sys
from pathlib import Path

from measuring import Cost, best, git_contrib, machine, run, scratch, table
from phases import CRAWL, LISTING, LOOK_UPS, TABLES, seconds_of_phases

from github_stand_in import organisation
from github_stand_in.server import StandIn, running_as_process

TOKEN = "benchmark-token"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path)
    parser.add_argument("--owner", default=organisation.OWNER)
    parser.add_argument("--times", type=int, default=3)
    chosen = parser.parse_args()
    print(machine(), "\n")
    with scratch() as folder:
        root = chosen.root or organisation.build(folder / "organisation")
        listed = json.loads((root / "repositories.json").read_text())
        repositories = [one["full_name"] for one in listed if one["owner"]["login"] == chosen.owner]
        with running_as_process(root, tokens=[TOKEN]) as stand_in:
            measure(stand_in, chosen.owner, repositories, folder, chosen.times)


def measure(stand_in: StandIn, owner: str, repositories: list[str], folder: Path, times: int) -> None:
    """Print all figures."""
    addresses = stand_in.environment()
    floors, colds, asked = [], [], []
    for number in range(times):  # one after the other, so that both meet the same weather
        floors.append(floor(stand_in, repositories, folder / f"floor{number}"))
        colds.append((git_contrib(folder / f"cold{number}", addresses, "run", owner), folder / f"cold{number}"))
    stand_in.forget_requests()
    asked.append(git_contrib(folder / "asked", addresses, "run", owner, token=TOKEN))
    requests = count(stand_in)
    stand_in.forget_requests()
    again = best(lambda: git_contrib(folder / "asked", addresses, "run", owner, token=TOKEN), times)
    unchanged = {kind: number // times for kind, number in count(stand_in).items()}
    plain = min(floors, key=lambda cost: cost.seconds)
    cold, home = min(colds, key=lambda pair: pair[0].seconds)
    phases, phases_asked = seconds_of_phases(home), seconds_of_phases(folder / "asked")
    nothing = best(lambda: git_contrib(folder / "asked", addresses, "--version"), times)
    between = cold.seconds - sum(phases.values())
    print(f"{len(repositories)} repositories of {owner}; the least of {times} runs\n")
    table(
        ("", "seconds", "CPU seconds", "largest process"),
        [
            ("floor: git clone --filter=tree:0 and git log, 8 at a time", plain.seconds, plain.cpu_seconds, plain.peak),
            ("`git-contrib run`, cold, no token", cold.seconds, cold.cpu_seconds, cold.peak),
            (f"  · {LISTING}", phases[LISTING], "", ""),
            (f"  · {CRAWL}", phases[CRAWL], "", ""),
            (f"  · {TABLES}", phases[TABLES], "", ""),
            ("  · Python's and Dagster's start, and what Dagster does between steps", between, "", ""),
            ("`git-contrib run`, cold, with a token", asked[0].seconds, asked[0].cpu_seconds, asked[0].peak),
            (f"  · {LOOK_UPS}", phases_asked[LOOK_UPS], "", ""),
            ("`git-contrib run` again, nothing changed", again.seconds, again.cpu_seconds, again.peak),
            ("`git-contrib --version`", nothing.seconds, nothing.cpu_seconds, nothing.peak),
        ],
    )
    collected = cold.seconds - between
    print(
        f"Cold run without a token ÷ floor: {cold.seconds / plain.seconds:.2f}; without start-up: {collected / plain.seconds:.2f}"
    )
    print(f"Requests, cold with a token: {requests}; again with nothing changed: {unchanged}\n")


def count(stand_in: StandIn) -> dict[str, int]:
    """Requests by kind."""
    kinds = [entry["kind"] for entry in stand_in.requests()]
    return {kind: kinds.count(kind) for kind in sorted(set(kinds))}


def floor(stand_in: StandIn, repositories: list[str], folder: Path) -> Cost:
    """Plain git, in a process of its own."""
    folder.mkdir()
    script = Path(__file__).with_name("plain_git.py")
    return run([sys.executable, str(script), stand_in.server_url, str(folder), *repositories])


if __name__ == "__main__":
    main()
