"""20,000 commits by REST to Parquet, beside bare httpx that reads the same pages eight at a time and keeps nothing.

python benchmarks/rest_crawl.py [--commits 20000] [--times 5]

Both are asked the same recorded replies of the stand-in, from memory, without a delay: the harshest way to compare, as
nothing hides what the client itself takes. Importing is left out on both sides.
"""

import argparse
import json
import os
import sys
from math import ceil
from pathlib import Path

from measuring import machine, run, scratch, table
from replay import replaying
from synthetic import OWNER, served

from github_stand_in.git_objects import run_git
from github_stand_in.server import running_as_process

NAME = "measured"
TOKEN = "benchmark-token"
HERE = Path(__file__).parent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--commits", type=int, default=20_000)
    parser.add_argument("--times", type=int, default=5)
    chosen = parser.parse_args()
    print(machine(), "\n")
    pages = ceil(chosen.commits / 100)
    repository = f"{OWNER}/{NAME}"
    with scratch() as folder:
        served(folder / "root", NAME, chosen.commits)
        sha = run_git(folder / "root" / OWNER / f"{NAME}.git", "rev-parse", "HEAD").strip()
        path = f"/repos/{repository}/commits"
        asked = {f"{path}#{page}": {"sha": sha, "per_page": 100, "page": page} for page in range(1, pages + 1)}
        floors, ours = [], []
        with (
            running_as_process(folder / "root", tokens=[TOKEN]) as stand_in,
            replaying(stand_in.api_url, {f"{path}#first": {"per_page": 100}, **asked}, token=TOKEN) as api_url,
        ):
            for number in range(chosen.times):
                floors.append(child("bare_httpx.py", api_url, repository, sha, str(pages)))
                home = str(folder / f"home{number}")
                ours.append(child("rest_to_parquet.py", home, repository, api_url=api_url))
    assert all(commits == chosen.commits for *_, commits in ours)
    seconds, cpu, size = min(floors)
    our_seconds, our_cpu, _ = min(ours)
    print(
        f"{chosen.commits:,} commits, {pages} pages, {size / 1e6:.1f} MB; the least of {chosen.times} runs each, taken in turn\n"
    )
    table(
        ("", "seconds", "client's CPU seconds"),
        [
            ("floor: bare httpx, 8 at a time, nothing kept", seconds, cpu),
            ("REST to a landing file", our_seconds, our_cpu),
        ],
    )
    print(f"Ratio: {our_seconds / seconds:.2f} in time, {our_cpu / cpu:.2f} in CPU\n")


def child(script: str, *arguments: str, api_url: str = "") -> tuple[float, float, int]:
    """Seconds, CPU seconds, and what it counted."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("GIT_CONTRIB_", "GITHUB_"))}
    environment = {**kept, "GITHUB_API_URL": api_url, "GITHUB_TOKEN": TOKEN}
    cost = run([sys.executable, str(HERE / script), *arguments], environment)
    seconds, cpu, counted = json.loads(cost.output.splitlines()[-1])
    return seconds, cpu, counted


if __name__ == "__main__":
    main()
