"""How often Dagster's daemon looks at backfills."""

import logging
import threading
from types import SimpleNamespace
from typing import Any, cast

import dagster as dg
import pytest
from dagster._daemon import controller
from dagster._daemon.backfill import execute_backfill_iteration_loop

from git_contrib_assets.runtime import daemon


class Pauses(threading.Event):
    """Notes how long it was waited for, and does not wait."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        self.seconds.append(timeout)
        return False


def test_dagster_looks_at_backfills_every_few_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own loop does, with what we set: it has no setting for it."""
    dagsters_own = controller.DEFAULT_DAEMON_INTERVAL_SECONDS
    monkeypatch.setattr(controller, "DEFAULT_DAEMON_INTERVAL_SECONDS", dagsters_own)  # put back afterwards
    daemon.look_often()
    pauses = Pauses()
    with dg.DagsterInstance.ephemeral() as instance:
        workspace = cast("Any", SimpleNamespace(instance=instance))
        loop = execute_backfill_iteration_loop(workspace, logging.getLogger("backfills"), pauses)
        while not pauses.seconds:
            next(loop)
    assert pauses.seconds[0] <= 5 < dagsters_own
