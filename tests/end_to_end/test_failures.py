"""What goes wrong, and what is left when it does: one line that says what to do, the right exit code, nothing lost."""

import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from installations import OWNER, WITH_ACCOUNTS, Installation, commits
from waiting import until

from github_stand_in.changes import create
from github_stand_in.server import StandIn

FULL = Path("/dev/full")
REPOSITORY = r"^/acme/docs\.git"
OTHERS = {key: number for key, number in WITH_ACCOUNTS.items() if key[0] != "acme/docs"}


@pytest.mark.parametrize(
    ("preset", "reasons"),
    [
        ("not_found", {"not_found"}),
        pytest.param("dmca", {"blocked"}, marks=pytest.mark.slow),
        pytest.param("tos", {"blocked"}, marks=pytest.mark.slow),
        ("corrupt_git", {"corrupt", "unavailable"}),  # git cannot always tell damage from a cut connection
        pytest.param("bad_gateway", {"unavailable"}, marks=pytest.mark.slow),
    ],
)
def test_one_failing_repository_fails_alone_and_is_repaired_alone(
    installation: Installation, github: StandIn, preset: str, reasons: set[str]
) -> None:
    github.fault(preset, kind="git", path=REPOSITORY)
    done = installation.run("run", OWNER)
    assert done.returncode == 3, done.stderr
    assert installation.newcomers() == OTHERS
    found = installation.dagster()
    assert {name for name, status in found["partitions"].items() if status == "FAILED"} == {"acme/docs"}
    assert list(found["partitions"].values()).count("MATERIALIZED") == 3
    ((state, reason),) = installation.query(
        "select state, state_reason from repositories where repository = 'acme/docs'"
    )
    assert state == "failed"
    assert reason in reasons
    github.clear_faults()
    github.forget_requests()
    again = installation.run("run", OWNER)
    assert again.returncode == 0, again.stderr
    assert {entry["path"].split(".git")[0] for entry in github.requests("git")} == {"/acme/docs"}
    assert installation.newcomers() == WITH_ACCOUNTS
    assert set(installation.dagster()["partitions"].values()) == {"MATERIALIZED"}


def test_a_failing_repository_keeps_its_last_good_data(installation: Installation, github: StandIn) -> None:
    assert installation.run("run", OWNER).returncode == 0
    github.push("acme/docs", commits("zoe", month="2024-05"))
    github.fault("not_found", kind="git", path=REPOSITORY)
    assert installation.run("run", OWNER).returncode == 3
    assert installation.newcomers() == WITH_ACCOUNTS


def test_look_ups_that_fail_half_way_are_asked_next_time(installation: Installation, github: StandIn) -> None:
    """A hundred questions go into a query: 220 people take three, and only the first is answered."""
    create(github.root, "acme/crowd", created_at="2024-01-15T00:00:00Z")
    github.push("acme/crowd", commits(*(f"person{number:03}" for number in range(220)), month="2023-01"))
    github.fault("graphql_502", after=1)
    done = installation.run("run", OWNER)
    assert done.returncode == 3, done.stderr
    ((identity, emails, not_asked),) = installation.query("select identity, emails, emails_not_asked from snapshot")
    assert identity == "partial"
    assert 0 < not_asked < emails == 226
    github.clear_faults()
    github.forget_requests()
    assert installation.run("run", OWNER).returncode == 0
    # An alias for each question, and one for each repository that a query names.
    asked = sum(entry["aliases"] for entry in github.requests("graphql"))
    assert not_asked < asked <= not_asked + 4 * len(github.requests("graphql"))
    assert installation.query("select identity, emails_not_asked from snapshot") == [("account", 0)]


@pytest.mark.parametrize(
    ("arguments", "variables", "code", "says"),
    [
        (["nobody"], {}, 1, "knows no owner 'nobody'"),
        ([OWNER, "nobody"], {}, 3, "knows no owner 'nobody'"),
        (["acme/none"], {}, 1, "knows no repository acme/none"),
        (["a/b/c"], {}, 2, "is no target"),
        (["-x"], {}, 2, "No such option"),
        ([OWNER], {"GITHUB_TOKEN": "ghp_wrong"}, 5, "refuses the token"),
        ([OWNER], {"GITHUB_API_URL": "http://127.0.0.1:1"}, 1, "check the network"),
        ([OWNER], {"GITHUB_API_URL": "ftp://x"}, 2, "GITHUB_API_URL"),
        ([OWNER], {"GIT_CONTRIB_SOURCE": "svn"}, 2, "GIT_CONTRIB_SOURCE"),
        ([OWNER], {"GIT_CONTRIB_HOME": "/proc/nowhere"}, 1, "cannot be written"),
    ],
)
def test_bad_input_says_what_to_do(
    installation: Installation, arguments: list[str], variables: dict[str, str], code: int, says: str
) -> None:
    done = installation.run("run", *arguments, **variables)
    assert done.returncode == code, done.stderr
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert "ghp_wrong" not in done.stderr


def test_a_token_without_rights_ends_with_5(installation: Installation, github: StandIn) -> None:
    github.fault("sso", kind="rest")
    done = installation.run("run", OWNER)
    assert done.returncode == 5
    assert "authorise the token for single sign-on" in done.stderr


def test_a_refused_token_loses_nothing(installation: Installation) -> None:
    assert installation.run("run", OWNER).returncode == 0
    assert installation.run("run", OWNER, GITHUB_TOKEN="ghp_wrong").returncode == 5
    assert installation.newcomers() == WITH_ACCOUNTS


def test_a_limit_that_lifts_too_late_stops_with_4(installation: Installation, github: StandIn) -> None:
    github.fault("secondary_limit", kind="rest", headers={"retry-after": "3000"})
    done = installation.run("run", OWNER, "--max-wait", "10s")
    assert done.returncode == 4
    assert "it lifts at" in done.stderr
    assert len(github.requests("rest")) == 1


@pytest.mark.parametrize(
    "damage",
    [pytest.param("cut", marks=pytest.mark.slow), "garbage", pytest.param("inside", marks=pytest.mark.slow)],
)
def test_a_landing_file_that_cannot_be_read_is_set_aside_and_fetched_again(
    installation: Installation, damage: str
) -> None:
    assert installation.run("run", OWNER).returncode == 0
    ((identity,),) = installation.query("select repository_id from repositories where repository = 'acme/tools'")
    path = installation.home / "landing" / "commits" / f"{identity}.parquet"
    content = path.read_bytes()
    path.write_bytes(
        {
            "cut": content[: len(content) // 2],
            "garbage": b"garbage",
            "inside": content[:40] + b"\xff" * 100 + content[140:],  # the footer stays whole
        }[damage]
    )
    done = installation.run("run", OWNER)
    assert done.returncode == 0, done.stderr
    assert installation.newcomers() == WITH_ACCOUNTS
    assert (installation.home / "landing" / "set_aside" / path.name).exists()


@pytest.fixture
def slow_run(installation: Installation, github: StandIn) -> Iterator[subprocess.Popen[str]]:
    """A run that holds the crawl lock until the fault is cleared."""
    github.fault("hang", kind="git", path=REPOSITORY)
    running = installation.start("run", OWNER)
    try:
        until(lambda: any("docs.git" in entry["path"] for entry in github.requests("git")))
        yield running
    finally:
        running.kill()
        running.wait()


def test_a_second_run_says_for_whom_it_waits_and_gives_up_with_4(
    installation: Installation, slow_run: subprocess.Popen[str]
) -> None:
    second = installation.run("run", OWNER, "--max-wait", "0")
    assert second.returncode == 4, second.stderr
    assert re.search(rf"held by the crawl of run \S+ \(process {slow_run.pid}, since 20", second.stderr)


@pytest.mark.slow
def test_a_second_run_goes_on_when_the_first_is_killed(
    installation: Installation, github: StandIn, slow_run: subprocess.Popen[str]
) -> None:
    slow_run.kill()
    slow_run.wait()
    github.clear_faults()
    done = installation.run("run", OWNER, "--max-wait", "0")
    assert done.returncode == 0, done.stderr
    assert installation.newcomers() == WITH_ACCOUNTS
    found = installation.dagster()
    assert "STARTED" not in found["runs"]
    assert "FAILURE" in found["runs"]  # the killed one


@pytest.mark.slow
def test_two_runs_at_once_both_end_well(installation: Installation) -> None:
    both = [installation.start("run", OWNER) for _ in range(2)]
    ends = [run.communicate(timeout=240)[1] for run in both]
    assert [run.returncode for run in both] == [0, 0], ends
    assert installation.newcomers() == WITH_ACCOUNTS


@pytest.mark.slow
@pytest.mark.skipif(not FULL.exists(), reason="there is no device that is always full")
def test_a_run_whose_talk_cannot_be_written_goes_on(installation: Installation) -> None:
    with FULL.open("w") as full:
        done = subprocess.run(
            installation.command("run", OWNER), env=installation.environment, stderr=full, check=False, timeout=240
        )
    assert done.returncode == 0
    assert installation.newcomers() == WITH_ACCOUNTS


@pytest.mark.slow
def test_a_run_to_which_nobody_listens_any_more_goes_on(installation: Installation) -> None:
    running = installation.start("run", OWNER)
    assert running.stderr is not None
    assert running.stderr.readline()
    running.stderr.close()
    assert running.wait(timeout=240) == 0
    assert installation.newcomers() == WITH_ACCOUNTS


@pytest.mark.parametrize("number", [pytest.param(signal.SIGINT, marks=pytest.mark.slow), signal.SIGHUP])
def test_an_interrupt_keeps_what_is_finished(
    installation: Installation, github: StandIn, slow_run: subprocess.Popen[str], number: signal.Signals
) -> None:
    """Ctrl-C, or a terminal that went away."""
    until(lambda: (installation.home / "landing" / "crawl_log.ndjson").read_text().count("landed") == 2)
    slow_run.send_signal(number)
    _, talk = slow_run.communicate(timeout=240)
    assert slow_run.returncode == 130, talk
    assert "run again to go on" in talk
    assert "STARTED" not in installation.dagster()["runs"]
    github.clear_faults()
    github.forget_requests()
    assert installation.run("run", OWNER).returncode == 0
    assert "/acme/tools.git" not in {entry["path"].split("/info")[0] for entry in github.requests("git")}
    assert installation.newcomers() == WITH_ACCOUNTS


@pytest.mark.slow
def test_an_export_that_cannot_be_written_says_so(installation: Installation, tmp_path: Path) -> None:
    assert installation.run("run", OWNER).returncode == 0
    done = installation.run("export", "contributors", "-o", str(tmp_path / "missing" / "x.csv"))
    assert done.returncode == 1
    assert "cannot be written" in done.stderr
