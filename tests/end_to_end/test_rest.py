"""Histories by REST: the same numbers, few requests, GitHub's limits kept, and what happens if git is not available."""

import re
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from installations import LONG_AGO, OWNER, TOKEN, WITH_ACCOUNTS, Installation, commits
from waiting import until

from github_stand_in.server import NewCommit, StandIn

REST = {"GIT_CONTRIB_SOURCE": "rest"}
START = datetime(2020, 1, 1, tzinfo=UTC)


def many(github: StandIn, name: str, number: int) -> None:
    """A repository with a commit for each of so many days, by one person."""
    github.create(f"acme/{name}", created_at="2020-01-01T00:00:00Z")
    work = [NewCommit("Max", "max@example.invalid", START + timedelta(hours=hour)) for hour in range(number)]
    github.push(f"acme/{name}", work, pushed_at=LONG_AGO)


def asked(github: StandIn) -> Counter[str]:
    """Requests about histories, by repository."""
    found = (
        re.search(r"/repos(?:/acme|itories)/([^/]+)/(?:commits|compare)", one["path"]) for one in github.requests()
    )
    return Counter(match[1] for match in found if match)


def until_logged(installation: Installation, *repositories: str) -> None:
    """Wait until the crawl is through with these."""
    log = installation.home / "landing" / "crawl_log.ndjson"
    until(lambda: log.exists() and all(f'"{name}"' in log.read_text() for name in repositories))


def kinds(github: StandIn) -> set[str]:
    return {entry["kind"] for entry in github.requests()}


def test_the_same_numbers_in_few_requests(installation: Installation, github: StandIn) -> None:
    many(github, "long", 450)
    first = installation.run("run", OWNER, **REST)
    assert first.returncode == 0, first.stderr
    assert installation.newcomers() == {**WITH_ACCOUNTS, ("acme/long", "2020-01"): 1}
    assert asked(github) == {"docs": 1, "empty": 1, "site": 1, "tools": 1, "long": 5}
    assert kinds(github) == {"rest"}  # the replies tell whose addresses they are
    assert installation.query("select identity, emails_not_asked from snapshot") == [("account", 0)]

    github.forget_requests()
    assert installation.run("run", OWNER, **REST).returncode == 0
    assert len(github.requests()) == 1

    start = datetime(2024, 5, 1, tzinfo=UTC)
    new = [NewCommit("Zoe", "zoe@example.invalid", start + timedelta(minutes=minute)) for minute in range(250)]
    github.push("acme/long", new)
    github.push("acme/site", commits("uma", month="2024-02"), start=None)
    github.forget_requests()
    assert installation.run("run", OWNER, **REST).returncode == 0
    assert asked(github) == {"long": 1 + 3, "site": 1 + 1 + 1}  # the tip, compare, and the rewritten one once more
    expected = {key: number for key, number in WITH_ACCOUNTS.items() if key[0] != "acme/site"}
    expected |= {("acme/long", "2020-01"): 1, ("acme/long", "2024-05"): 1, ("acme/site", "2024-02"): 1}
    assert installation.newcomers() == expected


@pytest.mark.slow
def test_without_token_and_git_accounts_are_known_all_the_same(
    installation: Installation, github: StandIn, tmp_path: Path
) -> None:
    without_git = tmp_path / "bin"
    without_git.mkdir()
    done = installation.run("run", OWNER, GITHUB_TOKEN="", PATH=str(without_git))
    assert done.returncode == 0, done.stderr
    assert "Histories come by REST, a request per hundred commits: git was not found" in done.stderr
    assert installation.newcomers() == WITH_ACCOUNTS
    assert installation.query("select identity, emails_not_asked from snapshot") == [("account", 0)]
    assert kinds(github) == {"rest"}
    assert not github.limits()["refused_primary"]


@pytest.mark.slow
def test_failing_repositories_fail_alone(installation: Installation, github: StandIn) -> None:
    for name, preset, more in (
        ("docs", "not_found", {}),
        ("site", "dmca", {}),
        ("tos", "tos", {}),
        ("odd", "bad_gateway", {"status": 200, "body": [{"sha": "none"}]}),
        ("teapot", "bad_gateway", {"status": 418, "body": {"message": "I am a teapot"}}),
    ):
        if name not in {"docs", "site"}:
            many(github, name, 3)
        github.fault(preset, kind="rest", path=f"/repos/acme/{name}/commits", **more)
    done = installation.run("run", OWNER, **REST)
    assert done.returncode == 3, done.stderr
    assert {name for name, _ in installation.newcomers()} == {"acme/tools"}
    states = dict(installation.query("select repository, state_reason from repositories where state = 'failed'"))
    assert states == {
        "acme/docs": "not_found",
        "acme/site": "blocked",
        "acme/tos": "blocked",
        "acme/odd": "corrupt",
        "acme/teapot": "unavailable",
    }
    found = installation.dagster()["partitions"]
    assert {name for name, status in found.items() if status == "FAILED"} == set(states)


def test_the_limit_in_the_middle_of_a_crawl_is_waited_for(installation: Installation, github: StandIn) -> None:
    many(github, "long", 2300)
    github.limits(core=20, window=12)  # long enough for a slow machine to use up twenty in it
    done = installation.run("run", OWNER, **REST)
    assert done.returncode == 0, done.stderr
    assert installation.newcomers() == {**WITH_ACCOUNTS, ("acme/long", "2020-01"): 1}
    assert "budget is used up: next request at" in done.stderr
    counted = github.limits()
    assert counted["refused_primary"] <= len(github.requests()) // 20  # at most one in a window
    assert counted["sent_while_limited"] == 0
    assert asked(github)["long"] <= 23 + 2 + counted["refused_primary"]


def test_what_fits_without_a_token_lands_and_the_rest_is_told_when_to_come_back(
    installation: Installation, github: StandIn
) -> None:
    """Seventeen requests: one for the list, seven for first pages, four for the rest of the middle one."""
    many(github, "long", 1400)
    many(github, "longer", 2000)
    many(github, "middle", 450)
    github.limits(anonymous=17, window=3600)
    first = installation.run("run", OWNER, "--max-wait", "5m", **REST, GITHUB_TOKEN="")
    assert first.returncode == 4, first.stderr
    assert re.search(
        r"GitHub allows \d+ more requests until \d\d:\d\d:\d\d: 5 of 7 repositories are certain to fit", first.stderr
    )
    assert re.search(
        r"limit .*\d\d:\d\d:\d\d.*run again then, or set GITHUB_TOKEN.*2 repositories were not reached", first.stderr
    )
    expected = {**WITH_ACCOUNTS, ("acme/middle", "2020-01"): 1}
    assert installation.newcomers() == expected
    found = installation.dagster()["partitions"]
    assert {name for name, status in found.items() if status == "MATERIALIZED"} == {
        f"acme/{name}" for name in ("docs", "empty", "middle", "site", "tools")
    }
    assert {name for name, status in found.items() if status == "FAILED"} == {"acme/long", "acme/longer"}
    states = dict(installation.query("select repository, state from repositories"))
    assert states["acme/long"] == states["acme/longer"] == "pending"
    while github.limits()["refused_primary"] == 0 and httpx.get(f"{github.api_url}/users/acme").status_code == 200:
        pass  # somebody else behind the same address uses up what is left
    again = installation.run("run", OWNER, "--max-wait", "5m", **REST, GITHUB_TOKEN="")
    assert again.returncode == 4
    assert re.search(r"core budget is used up: it lifts at \d\d:\d\d:\d\d", again.stderr)
    assert installation.newcomers() == expected
    assert github.limits()["refused_primary"] == 1  # that of the other


def test_a_token_that_is_refused_on_the_way_ends_the_crawl_and_keeps_what_is_there(
    installation: Installation, github: StandIn
) -> None:
    many(github, "long", 2500)  # more pages than are asked for at once
    github.fault("slow", kind="rest", path="/long/commits.*[?&]page=", delay=600.0)
    running = installation.start("run", OWNER, **REST)
    until_logged(installation, "acme/docs", "acme/empty", "acme/site", "acme/tools")
    github.revoke_token(TOKEN)
    github.clear_faults()
    _, talk = running.communicate(timeout=240)
    assert running.returncode == 5, talk
    assert "refuses the token" in talk
    assert installation.newcomers() == WITH_ACCOUNTS
    assert installation.dagster()["partitions"]["acme/long"] != "MATERIALIZED"
    states = dict(installation.query("select repository, state from repositories"))
    assert states.pop("acme/long") == "pending"
    assert set(states.values()) == {"complete", "empty"}


@pytest.mark.slow
def test_an_interrupt_ends_a_reading_at_once_and_keeps_what_is_finished(
    installation: Installation, github: StandIn
) -> None:
    many(github, "long", 2500)
    github.fault("hang", kind="rest", path="/acme/long/commits", after=10)
    running = installation.start("run", OWNER, **REST)
    until_logged(installation, "acme/docs", "acme/site", "acme/tools")
    until(lambda: asked(github)["long"] >= 18)
    running.send_signal(2)
    sent = time.monotonic()
    _, talk = running.communicate(timeout=240)
    assert time.monotonic() - sent < 25  # an answer that hangs is given up after 30 s
    assert running.returncode == 130, talk
    assert "Traceback" not in talk
    assert not list(installation.home.rglob("*.tmp*"))
