"""A day as the schedule has it, without a daemon: its run, and the second one where there are new repositories."""

import logging
import re
from typing import Any

import dagster as dg
import pytest
from installations import LONG_AGO, WITH_ACCOUNTS, Installation, commits

from github_stand_in.server import StandIn


def asked(github: StandIn) -> set[str]:
    """Repositories that git was asked for."""
    return {one["path"].split("/")[2].removesuffix(".git") for one in github.requests("git")}


def statuses(installation: Installation) -> dict[str, set[str]]:
    found = installation.dagster()["partitions"]
    return {status: {name for name, one in found.items() if one == status} for status in set(found.values())}


def test_the_log_of_a_run_has_a_line_at_a_start_and_one_at_an_end(
    installation: Installation, github: StandIn, day: Any
) -> None:
    github.fault("not_found", kind="git", path="/site")
    first = day()
    with dg.DagsterInstance.get() as instance:
        entries = instance.all_logs(first.runs[-1].run_id)
    said = [one.user_message for one in entries if one.dagster_event is None and one.level == logging.INFO]
    assert sorted(said) == [f"acme/{name}: reading its history" for name in ("docs", "empty", "site", "tools")]
    (failed,) = [one.user_message for one in entries if one.dagster_event is None and one.level == logging.ERROR]
    assert failed.startswith("acme/site: gone, renamed or private")
    ends = [
        one.dagster_event.event_specific_data.materialization.description
        for one in entries
        if one.dagster_event and one.dagster_event.is_step_materialization and one.dagster_event.partition
    ]
    assert re.search(r"^landed, 2 commits, 3 requests, \d+\.\d s$", "\n".join(ends), re.MULTILINE)
    assert len(ends) == 3


def test_days_one_after_the_other(installation: Installation, github: StandIn, day: Any) -> None:
    assert day().ended == [("collect", True), ("refresh", True)]
    assert installation.newcomers() == WITH_ACCOUNTS
    first_snapshot = installation.query("select snapshot_id from snapshot")

    github.forget_requests()
    assert day().ended == [("collect", True)]
    assert [one["kind"] for one in github.requests()] == ["rest"]
    assert installation.query("select snapshot_id from snapshot") == first_snapshot

    # One pushed to, one new, and the new one fails.
    github.push("acme/docs", commits("uma", month="2024-02"), pushed_at=LONG_AGO.replace(day=LONG_AGO.day + 1))
    github.create("acme/brand-new", created_at="2024-01-01T00:00:00Z")
    github.push("acme/brand-new", commits("uma", month="2024-02"), pushed_at=LONG_AGO)
    github.fault("not_found", kind="git", path="/brand-new")
    github.forget_requests()
    assert day().ended == [("collect", True), ("refresh", False)]
    assert asked(github) == {"docs", "brand-new"}
    assert statuses(installation)["FAILED"] == {"acme/brand-new"}
    assert installation.newcomers() == {**WITH_ACCOUNTS, ("acme/docs", "2024-02"): 1}

    # It alone is tried again, in one run: it is known by now.
    github.clear_faults()
    github.forget_requests()
    assert day().ended == [("collect", True)]
    assert asked(github) == {"brand-new"}
    assert set(statuses(installation)) == {"MATERIALIZED"}
    assert installation.newcomers() == {
        **WITH_ACCOUNTS,
        ("acme/docs", "2024-02"): 1,
        ("acme/brand-new", "2024-02"): 1,
    }


@pytest.mark.parametrize("name", [pytest.param("docs", marks=pytest.mark.slow), "tools"])
def test_a_renamed_repository_is_crawled_on_the_day_of_its_renaming(
    installation: Installation, github: StandIn, day: Any, name: str
) -> None:
    """Also where it is an end of the range that the day's run was given: its key goes while the run is under way."""
    day()
    github.rename(f"acme/{name}", "renamed")
    github.push("acme/renamed", commits("uma", month="2024-02"), pushed_at=LONG_AGO.replace(day=LONG_AGO.day + 1))
    assert day().ended == [("collect", True), ("refresh", True)]
    assert ("acme/renamed", "2024-02") in installation.newcomers()
    assert "acme/renamed" in statuses(installation)["MATERIALIZED"]


@pytest.mark.parametrize("name", [pytest.param("docs", marks=pytest.mark.slow), "tools"])
def test_a_repository_that_is_gone_does_not_end_the_day(
    installation: Installation, github: StandIn, day: Any, name: str
) -> None:
    day()
    github.remove(f"acme/{name}")
    assert all(success for _, success in day().ended)
    assert dict(installation.query("select name, state from repositories"))[name] == "vanished"
