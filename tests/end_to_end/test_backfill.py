"""A backfill as the UI starts it: any partitions, several runs, one refresh of the tables; cancelled in the middle."""

import json
from typing import Any

from end_to_end.test_up import FREE_PORTS, Up, running
from installations import WITH_ACCOUNTS, Installation
from waiting import until

from github_stand_in.server import StandIn

LAUNCH = """mutation ($parameters: LaunchBackfillParams!) { launchPartitionBackfill(backfillParams: $parameters) {
  __typename ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } } }"""
CANCEL = """mutation ($backfill: String!) { cancelPartitionBackfill(backfillId: $backfill) { __typename } }"""
STATUS = "query ($backfill: String!) { partitionBackfillOrError(backfillId: $backfill) { ... on PartitionBackfill { status } } }"
ENDED = {"COMPLETED", "COMPLETED_SUCCESS", "COMPLETED_FAILED", "CANCELED", "FAILED"}


def launch(up: Up, *partitions: str, everything_again: bool = False) -> str:
    """Start a backfill of landing/commits as the UI's dialog does; its id."""
    config = {"ops": {"crawl": {"config": {"everything_again": everything_again}}}}
    parameters: dict[str, Any] = {
        "assetSelection": [{"path": ["landing", "commits"]}],
        "partitionNames": list(partitions),
        "runConfigData": config,
    }
    launched = up.ask(LAUNCH, parameters=parameters)["launchPartitionBackfill"]
    assert launched["__typename"] == "LaunchBackfillSuccess", launched
    return str(launched["backfillId"])


def until_ended(up: Up, backfill: str) -> str:
    def status() -> str | None:
        found = str(up.ask(STATUS, backfill=backfill)["partitionBackfillOrError"]["status"])
        return found if found in ENDED else None

    return until(status)


def crawls(up: Up, backfill: str) -> list[dict[str, Any]]:
    return [run for run in up.runs().values() if run["tags"].get("dagster/backfill") == backfill]


def attempts(installation: Installation) -> list[tuple[str, str]]:
    log = installation.home / "landing" / "crawl_log.ndjson"
    return [(line["repository"], line["state"]) for line in map(json.loads, log.read_text().splitlines())]


def test_scattered_partitions_cancelled_in_the_middle(installation: Installation, github: StandIn) -> None:
    """Neighbours are one run, so these are two; what has landed stays, and the next run does the rest."""
    assert installation.run("run").returncode == 0
    partitions = list(installation.dagster()["partitions"])
    assert partitions == ["acme/docs", "acme/empty", "acme/site", "acme/tools"]
    done = len(attempts(installation))
    with running(installation, "up", *FREE_PORTS) as up:
        github.fault("hang", kind="git", path=r"^/acme/tools\.git")
        backfill = launch(up, "acme/docs", "acme/site", "acme/tools", everything_again=True)
        until(lambda: ("acme/site", "landed") in attempts(installation)[done:])
        until(lambda: [one for one in github.faults() if one["hits"]])
        up.ask(CANCEL, backfill=backfill)
        assert until_ended(up, backfill) == "CANCELED"
        assert len(crawls(up, backfill)) == 2
    landed = attempts(installation)[done:]
    assert {state for _, state in landed} == {"landed"}
    assert "acme/tools" not in {repository for repository, _ in landed}
    github.clear_faults()
    github.forget_requests()
    rest = installation.run("run", "acme/tools", "--everything-again")
    assert rest.returncode == 0, rest.stderr
    assert {entry["path"].split(".git")[0] for entry in github.requests("git")} == {"/acme/tools"}
    assert attempts(installation)[-1] == ("acme/tools", "landed")
    assert installation.newcomers() == WITH_ACCOUNTS
    assert set(installation.dagster()["partitions"].values()) == {"MATERIALIZED"}
