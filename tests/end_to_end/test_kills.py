"""``kill -9`` at random moments: the next run makes the same tables, and nothing piles up.

``GIT_CONTRIB_KILLS`` sets how many moments are tried.
"""

import os
import random
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from installations import OWNER, WITH_ACCOUNTS, Installation

KILLS = int(os.environ.get("GIT_CONTRIB_KILLS", "3"))
_TEMPORARY = ("*.tmp*", "*.wal")


@pytest.fixture
def seconds(installation: Installation) -> float:
    """How long an undisturbed run takes here."""
    start = time.monotonic()
    assert installation.run("run", OWNER).returncode == 0
    return time.monotonic() - start


def _files(home: Path) -> set[str]:
    """Every file of a home but Dagster's own history and the names that change with each run."""
    found = {str(path.relative_to(home)) for path in home.rglob("*") if path.is_file()}
    changing = ("dagster", "published", "private", "locks/runs", "landing/accounts", "landing/built_from/accounts")
    return {name for name in found if not name.startswith(changing)}


def test_a_killed_run_is_made_good_by_the_next(installation: Installation, seconds: float) -> None:
    expected, files = installation.newcomers(), _files(installation.home)
    fingerprint = installation.query("select number_of_new_contributors from monthly_new_contributors order by all")
    assert expected == WITH_ACCOUNTS
    moments = random.Random()  # noqa: S311
    for _ in range(KILLS):
        shutil.rmtree(installation.home)
        killed = installation.start("run", OWNER)
        try:
            killed.wait(timeout=moments.uniform(0.3, seconds))
        except subprocess.TimeoutExpired:
            killed.kill()
        killed.communicate()
        done = installation.run("run", OWNER, "--max-wait", "0")  # nobody waits for a dead process
        assert done.returncode == 0, done.stderr
        assert installation.newcomers() == expected
        assert (
            installation.query("select number_of_new_contributors from monthly_new_contributors order by all")
            == fingerprint
        )
        assert not {"STARTED", "STARTING", "QUEUED", "NOT_STARTED"} & set(installation.dagster()["runs"])
        assert _files(installation.home) == files
        assert not [path for pattern in _TEMPORARY for path in installation.home.rglob(pattern)]
        assert len(list((installation.home / "landing" / "accounts").iterdir())) <= 2
