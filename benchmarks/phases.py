"""How long each step of the newest runs took, by Dagster's own event log."""

import os
from collections import Counter
from pathlib import Path

import dagster as dg

from git_contrib_assets.storage.home import Home, prepare_instance

CRAWL = "crawling"
LOOK_UPS = "account look-ups"
LISTING = "listing"
TABLES = "tables, checks and snapshot"
_STEPS = {"landing__repositories": LISTING, "crawl": CRAWL, "landing__accounts": LOOK_UPS}


def seconds_of_phases(home: Path) -> Counter[str]:
    """Seconds by phase, over all runs of a home."""
    os.environ.pop("DAGSTER_HOME", None)
    os.environ["DAGSTER_HOME"] = str(prepare_instance(Home(home)))
    phases: Counter[str] = Counter()
    with dg.DagsterInstance.get() as instance:
        for run in instance.get_runs():
            for step in instance.get_run_step_stats(run.run_id):
                phases[_STEPS.get(step.step_key, TABLES)] += (step.end_time or 0) - (step.start_time or 0)
    os.environ.pop("DAGSTER_HOME", None)
    return phases
