"""The floor of a crawl by git: clone without trees, list every commit, eight repositories at a time.

python benchmarks/plain_git.py SERVER FOLDER REPOSITORY...
"""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

FORMAT = "%H%x00%P%x00%an%x00%ae%x00%at%x00%ct"
AT_ONCE = 8


def clone_and_log(server: str, folder: str, repository: str) -> None:
    """One repository. An empty one has no commits to list: that is no failure here."""
    clone = f"{folder}/{repository.replace('/', '-')}.git"
    quiet = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0"}
    options = ["--quiet", "--bare", "--single-branch", "--no-tags", "--filter=tree:0"]
    subprocess.run(["git", "clone", *options, f"{server}/{repository}.git", clone], env=quiet, check=True)
    listing = ["git", "--git-dir", clone, "log", "-z", f"--format={FORMAT}"]
    subprocess.run(listing, env=quiet, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)


if __name__ == "__main__":
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda repository: clone_and_log(sys.argv[1], sys.argv[2], repository), sys.argv[3:]))
