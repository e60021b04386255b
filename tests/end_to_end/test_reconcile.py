"""The job ``reconcile`` against the stand-in's own statistics: a second opinion that changes nothing."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from installations import OWNER, TOKEN, Installation

from git_contrib_assets.definitions import defs
from git_contrib_assets.graph import resources
from github_stand_in.changes import link
from github_stand_in.server import StandIn

CHECK = "github__contributor_statistics_our_counts_are_githubs"
Reconcile = Callable[..., tuple[dg.ExecuteInProcessResult, dict[str, Any]]]


def contents(home: Path) -> dict[str, bytes]:
    """Everything that counts: what is landed and what is published."""
    files = [*(home / "landing").rglob("*"), *(home / "published").rglob("*")]
    return {str(path): path.read_bytes() for path in files if path.is_file()}


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long the client would have slept."""
    slept: list[float] = []

    async def at_once(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(resources.budget, "sleep", at_once)
    return slept


@pytest.fixture
def reconcile(installation: Installation, waits: list[float], monkeypatch: pytest.MonkeyPatch) -> Reconcile:
    """A collected home, and the job on it."""
    assert installation.run("run", OWNER).returncode == 0
    for name, value in installation.environment.items():
        monkeypatch.setenv(name, value)

    def run(**config: Any) -> tuple[dg.ExecuteInProcessResult, dict[str, Any]]:
        with dg.DagsterInstance.ephemeral() as instance:
            result = defs.resolve_job_def("reconcile").execute_in_process(
                run_config={
                    "ops": {CHECK: {"config": config}},
                    "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
                },
                instance=instance,
                raise_on_error=False,
            )
        found = result.get_asset_check_evaluations()
        if not found:
            return result, {}
        assert found[0].severity is dg.AssetCheckSeverity.WARN
        return result, {"agrees": found[0].passed, **{key: one.value for key, one in found[0].metadata.items()}}

    return run


def test_our_counts_are_github_s(reconcile: Reconcile, installation: Installation, waits: list[float]) -> None:
    before = contents(installation.home)
    result, found = reconcile()
    assert result.success
    assert found["agrees"] is True
    assert (found["repositories"], found["accounts"], found["commits_ours"], found["commits_theirs"]) == (2, 2, 3, 3)
    assert "largest_differences" not in found
    assert waits == [30.0] * 3  # a 202 for each of the three that are complete
    assert contents(installation.home) == before
    assert not result.get_asset_materialization_events()


def test_a_difference_warns_and_fails_nothing(
    reconcile: Reconcile, github: StandIn, installation: Installation
) -> None:
    link(github.root, "bob@example.invalid", "bob", 12)  # since we asked
    github.reload()
    before = contents(installation.home)
    result, found = reconcile(repositories=["acme/tools", "acme/docs"])
    assert result.success
    assert found["agrees"] is False
    (row,) = found["largest_differences"].records
    assert row.data == {"repository": "acme/tools", "login": "bob", "ours": 0, "theirs": 1, "difference": -1}
    assert contents(installation.home) == before


def test_one_that_turned_private_is_not_asked_about(reconcile: Reconcile, github: StandIn) -> None:
    github.add_token(f"{TOKEN}=reader:repo:{OWNER}")
    github.update("acme/docs", private=True, visibility="private")
    github.forget_requests()
    result, found = reconcile(repositories=["acme/docs", "acme/tools"])
    assert result.success
    assert [row.data["repository"] for row in found["not_compared"].records] == ["acme/docs"]
    assert not [one for one in github.requests() if "/docs/" in one["path"]]


def test_a_repository_that_cannot_be_compared_is_named(reconcile: Reconcile, github: StandIn) -> None:
    github.fault("not_found", kind="rest", path="/acme/docs/stats")
    result, found = reconcile(repositories=["acme/docs", "acme/tools"])
    assert result.success
    assert [row.data["repository"] for row in found["not_compared"].records] == ["acme/docs"]
    assert found["agrees"] is True
