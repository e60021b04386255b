"""The main job, from an organisation to published tables: what it counts, what it asks, what it leaves alone."""

import re
import shutil
from collections import Counter
from datetime import UTC, datetime

import pytest
from installations import OWNER, WITH_ACCOUNTS, Installation, commits

from github_stand_in.changes import link
from github_stand_in.server import StandIn


def test_a_run_publishes_every_month_of_every_repository(installation: Installation) -> None:
    begun = datetime.now(UTC)
    done = installation.run("run", OWNER)
    assert done.returncode == 0, done.stderr
    assert installation.newcomers() == WITH_ACCOUNTS
    months = installation.query(
        "select repository, min(date)::varchar, max(date)::varchar, count(*) = "
        "date_diff('month', min(date), max(date)) + 1 from monthly_new_contributors group by all order by all"
    )
    assert len({last for _, _, last, _ in months}) == 1
    assert months[0][2] in {f"{moment:%Y-%m}-01" for moment in (begun, datetime.now(UTC))}  # a month may end meanwhile
    assert [(name, first, whole) for name, first, _, whole in months] == [
        (f"acme/{name}", "2024-01-01", True) for name in ("docs", "empty", "site", "tools")
    ]
    assert set(installation.dagster()["partitions"].values()) == {"MATERIALIZED"}
    assert installation.dagster()["runs"] == ["SUCCESS", "SUCCESS"]


def test_without_a_token_people_are_told_apart_by_address(installation: Installation) -> None:
    done = installation.run("run", OWNER, GITHUB_TOKEN="")
    assert done.returncode == 0, done.stderr
    assert installation.newcomers() == {**WITH_ACCOUNTS, ("acme/tools", "2024-03"): 4}
    assert installation.query("select identity, emails_not_asked = emails from snapshot") == [("email", True)]


def test_requests_are_few_and_a_second_run_asks_only_for_the_listing(
    installation: Installation, github: StandIn
) -> None:
    assert installation.run("run", OWNER).returncode == 0
    asked = github.requests()
    per_repository = Counter(entry["path"].split(".git")[0] for entry in asked if entry["kind"] == "git")
    assert max(per_repository.values()) <= 4 + 2  # two to ask three of them whether there is a git server
    assert sum(per_repository.values()) <= 4 * len(per_repository) + 2 * 3
    assert not [entry for entry in asked if "/commits" in entry["path"]]
    assert len([entry for entry in asked if entry["kind"] == "graphql"]) == 1  # six addresses
    assert len([entry for entry in asked if entry["kind"] == "rest"]) == 2  # the list, before and after they are read
    before = installation.snapshots()
    github.forget_requests()
    again = installation.run("run", OWNER)
    assert again.returncode == 0, again.stderr
    assert [(entry["kind"], entry["status"]) for entry in github.requests()] == [("rest", 200)]
    assert installation.snapshots() == before
    assert "nothing changed" in again.stderr


def test_a_push_is_fetched_alone_and_only_its_new_people_are_asked_about(
    installation: Installation, github: StandIn
) -> None:
    assert installation.run("run", OWNER).returncode == 0
    github.push("acme/docs", commits("ann", "zoe", month="2024-05"))
    github.forget_requests()
    assert installation.run("run", OWNER).returncode == 0
    asked = github.requests()
    assert {entry["path"].split(".git")[0] for entry in asked if entry["kind"] == "git"} == {"/acme/docs"}
    assert [entry["aliases"] for entry in asked if entry["kind"] == "graphql"] == [
        2
    ]  # a repository and its one new address
    assert installation.newcomers() == {**WITH_ACCOUNTS, ("acme/docs", "2024-05"): 1}


@pytest.mark.slow
def test_a_rewritten_history_counts_as_if_it_had_always_been_so(installation: Installation, github: StandIn) -> None:
    assert installation.run("run", OWNER).returncode == 0
    github.push("acme/site", commits("uma", month="2024-02"), start=None)
    assert installation.run("run", OWNER).returncode == 0
    expected = {key: number for key, number in WITH_ACCOUNTS.items() if key[0] != "acme/site"}
    assert installation.newcomers() == {**expected, ("acme/site", "2024-02"): 1}


def test_a_rename_keeps_the_history_and_replaces_the_partition(installation: Installation, github: StandIn) -> None:
    assert installation.run("run", OWNER).returncode == 0
    github.rename("acme/docs", "manual")
    github.forget_requests()
    assert installation.run("run", OWNER).returncode == 0
    assert installation.newcomers()[("acme/manual", "2024-03")] == 2
    assert set(installation.dagster()["partitions"]) == {"acme/manual", "acme/site", "acme/tools", "acme/empty"}
    # Under another name it is looked at once: the name might have been another repository's.
    assert {entry["path"].split(".git")[0] for entry in github.requests("git")} == {"/acme/manual"}
    github.forget_requests()
    assert installation.run("run", OWNER).returncode == 0
    assert len(github.requests()) == 1


def test_a_repository_that_vanished_keeps_its_rows_and_is_asked_about_once(
    installation: Installation, github: StandIn
) -> None:
    assert installation.run("run", OWNER).returncode == 0
    github.remove("acme/docs")
    assert installation.run("run", OWNER).returncode == 0
    assert installation.newcomers() == WITH_ACCOUNTS
    states = dict(installation.query("select repository, state from repositories"))
    assert states == {
        "acme/docs": "vanished",
        "acme/empty": "empty",
        "acme/site": "complete",
        "acme/tools": "complete",
    }
    github.forget_requests()
    assert installation.run("run", OWNER).returncode == 0
    assert len(github.requests()) == 1


@pytest.mark.slow
def test_a_new_account_link_joins_people_when_its_answer_is_old(installation: Installation, github: StandIn) -> None:
    """Answers hold for 30 days: only with the landed answers gone is GitHub asked again."""
    assert installation.run("run", OWNER).returncode == 0
    link(github.root, "cleo@example.invalid", "ann", 11)
    github.reload()
    assert installation.run("run", OWNER).returncode == 0
    assert installation.newcomers() == WITH_ACCOUNTS
    for path in (installation.home / "landing" / "accounts").glob("*.parquet"):
        path.unlink()
    assert installation.run("run", OWNER).returncode == 0
    assert installation.newcomers() == {**WITH_ACCOUNTS, ("acme/tools", "2024-03"): 2}


@pytest.mark.slow
def test_single_repositories_and_several_targets(installation: Installation, github: StandIn) -> None:
    assert installation.run("run", "acme/tools").returncode == 0
    assert {name for name, _ in installation.newcomers()} == {"acme/tools"}
    github.forget_requests()
    assert installation.run("run", "acme/tools", "acme/docs").returncode == 0
    assert {entry["path"].split(".git")[0] for entry in github.requests("git")} == {"/acme/docs"}
    assert {name for name, _ in installation.newcomers()} == {"acme/tools", "acme/docs"}
    assert installation.run("run").returncode == 0
    assert installation.newcomers() == WITH_ACCOUNTS


def test_everything_after_landing_can_be_deleted(installation: Installation, github: StandIn) -> None:
    assert installation.run("run", OWNER).returncode == 0
    before = installation.query("select fingerprint from snapshot")
    shutil.rmtree(installation.home / "published")
    (installation.home / "warehouse.duckdb").unlink()
    github.forget_requests()
    assert installation.run("run", OWNER).returncode == 0
    assert installation.query("select fingerprint from snapshot") == before
    assert len(github.requests()) == 1


def test_commands_that_read_the_snapshot(installation: Installation) -> None:
    assert installation.run("run", OWNER).returncode == 0
    status = installation.run("status")
    assert status.returncode == 0
    assert "4: 3 complete, 1 empty" in status.stdout
    shown = installation.run("show", "tools")
    assert shown.returncode == 0
    assert "2024-03" in shown.stdout
    exported = installation.run("export", "monthly_new_contributors")
    lines = exported.stdout.splitlines()
    assert lines[0].startswith("repository_id,repository,date,number_of_new_contributors")
    assert any(",acme/tools,2024-03-01,3,0,3,false" in line for line in lines)
    unknown = installation.run("show", "tolls")
    assert unknown.returncode == 2
    assert "did you mean acme/tools" in unknown.stderr


def test_no_address_or_token_leaves_landing(installation: Installation) -> None:
    done = installation.run("-vv", "run", OWNER)
    token, address = installation.environment["GITHUB_TOKEN"], "ann.work@example.invalid"
    assert done.returncode == 0
    for request in ("/orgs/acme/repos status=200", "command=clone", "command=ls-remote"):  # what -vv is for
        assert request in re.sub(r"\x1b\[[0-9;]*m|'", "", done.stderr), request
    for text in (done.stdout, done.stderr):
        assert token not in text
        assert address not in text
    for path in installation.home.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert token.encode() not in content, path
            inside = path.relative_to(installation.home).parts[0]
            if inside not in {"landing", "git"}:
                assert address.encode() not in content, path
