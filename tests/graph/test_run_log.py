"""What a run's log hears while work goes on."""

from unittest.mock import Mock, call, create_autospec

import dagster as dg

from git_contrib_assets.graph.run_log import also_logged_to
from git_contrib_assets.progress import Reporter, reporter, reporting_to


def heard() -> tuple[Mock, Mock]:
    """What the log and the listener hear of a start, a wait and a note said within the block."""
    log, listener = create_autospec(dg.DagsterLogManager, instance=True), create_autospec(Reporter, instance=True)
    with reporting_to(listener):
        with also_logged_to(log):
            reporter().repository_started("acme/anvil")
            reporter().waiting("waiting for GitHub")
            reporter().note("a note")
        reporter().waiting("afterwards")
    return log, listener


def test_the_log_hears_starts_and_waits_only() -> None:
    """The end of a repository is in the log already; after the block nothing more is written."""
    log, _ = heard()
    assert log.mock_calls == [call.info("acme/anvil: reading its history"), call.info("waiting for GitHub")]


def test_whoever_listened_before_hears_everything_still() -> None:
    """The log listens in: it does not take the terminal's place."""
    _, listener = heard()
    assert listener.mock_calls == [
        call.repository_started("acme/anvil"),
        call.waiting("waiting for GitHub"),
        call.note("a note"),
        call.waiting("afterwards"),
    ]
