"""Everything on one home, as people start it: UI, daemon, API; what a signal, a kill and a death in between leave behind."""

import contextlib
import json
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from installations import OWNER, WITH_ACCOUNTS, Installation
from pydantic import SecretStr
from waiting import until

from git_contrib_assets.sources.github.sign_in import Grant
from git_contrib_assets.sources.github.user import User
from git_contrib_assets.storage.credentials import Credentials, SignIn
from git_contrib_assets.storage.home import Home
from github_stand_in.server import NO_CERTIFICATES, StandIn

# One client, without certificates: to load them takes longer than what is asked.
HTTP = httpx.Client(timeout=240, trust_env=False, verify=NO_CERTIFICATES)
FREE_PORTS = ("--port", "0", "--ui-port", "0")
UNDER_WAY = {"QUEUED", "STARTING", "STARTED", "CANCELING"}
LAUNCH = """mutation ($parameters: ExecutionParams!) { launchPipelineExecution(executionParams: $parameters) {
  __typename ... on LaunchRunSuccess { run { runId } } } }"""
RUNS = "{ runsOrError { ... on Runs { results { runId jobName status tags { key value } } } } }"
LANDED = """query ($run: ID!) { assetOrError(assetKey: {path: ["landing", "commits"]}) { ... on Asset {
  assetMaterializations(limit: 100) { runId partition metadataEntries { label
    ... on IntMetadataEntry { intValue } ... on TextMetadataEntry { text } ... on PathMetadataEntry { path } } } } }
  runOrError(runId: $run) { ... on Run { status assetMaterializations { assetKey { path } } } } }"""
SCHEDULES = """{ schedulesOrError(repositorySelector: {repositoryName: "__repository__",
  repositoryLocationName: "git_contrib"}) { ... on Schedules { results { name scheduleState { status } } } } }"""


def left_on(home: Path) -> dict[int, str]:
    """The processes that have to do with a home, by what they were started as."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            command = (folder / "cmdline").read_bytes()
            if str(home).encode() in command + (folder / "environ").read_bytes():
                found[int(folder.name)] = command.replace(b"\0", b" ").decode()
    return found


@dataclass
class Up:
    """A running `up`, and what it told."""

    process: subprocess.Popen[str]
    told: str
    ui: str
    api: str

    def ask(self, query: str, **variables: Any) -> Any:
        reply = HTTP.post(f"{self.ui}/graphql", json={"query": query, "variables": variables}).json()
        assert "errors" not in reply, reply
        return reply["data"]

    def launch(
        self, job: str, tags: dict[str, str], assets: tuple[str, ...] = (), config: dict[str, Any] | None = None
    ) -> str:
        """Start a run as the UI does; its id."""
        selector: dict[str, Any] = {"repositoryName": "__repository__", "repositoryLocationName": "git_contrib"}
        selector |= {"jobName": job} | (
            {"assetSelection": [{"path": one.split("/")} for one in assets]} if assets else {}
        )
        written = [{"key": key, "value": value} for key, value in tags.items()]
        parameters = {"selector": selector, "runConfigData": config or {}, "executionMetadata": {"tags": written}}
        launched = self.ask(LAUNCH, parameters=parameters)["launchPipelineExecution"]
        assert launched["__typename"] == "LaunchRunSuccess", launched
        return str(launched["run"]["runId"])

    def runs(self) -> dict[str, dict[str, Any]]:
        """All runs that the UI knows."""
        results = self.ask(RUNS)["runsOrError"]["results"]
        return {run["runId"]: {**run, "tags": {tag["key"]: tag["value"] for tag in run["tags"]}} for run in results}

    def until_ended(self, run: str) -> str:
        """Wait for the end of a run; its status."""
        return until(lambda: status if (status := self.runs()[run]["status"]) in {"SUCCESS", "FAILURE"} else None)


def started(process: subprocess.Popen[str]) -> Up:
    """Read what it tells until all of it answers."""
    told = ""
    while "Ctrl-C stops everything" not in told:
        assert process.stderr
        line = process.stderr.readline()
        assert line, f"it ended with {process.wait()}: {told}"
        told += line
    (ui,) = re.findall(r"^UI on (http://127\.0\.0\.1:\d+)$", told, re.MULTILINE)
    (api,) = re.findall(r"^API on (http://127\.0\.0\.1:\d+)/docs$", told, re.MULTILINE)
    assert f"Page on {api}/\n" in told
    return Up(process, told, ui, api)


@pytest.fixture
def up(installation: Installation) -> Iterator[Up]:
    """`up` on an empty home."""
    with running(installation, "up", *FREE_PORTS) as all_of_it:
        yield all_of_it


@contextlib.contextmanager
def running(installation: Installation, *arguments: str, **variables: str) -> Iterator[Up]:
    process = installation.start(*arguments, **variables)
    try:
        yield started(process)
    finally:
        process.terminate()
        process.communicate(timeout=240)
        until(lambda: not left_on(installation.home))


def test_a_sign_in_is_used_by_all_and_handed_to_none(installation: Installation, github: StandIn) -> None:
    """Each program reads it from the file: no command line, environment, log or database holds it."""
    secret = "gho_handed_to_nobody"
    github.add_token(secret, login="ann", id=11)
    one = SignIn.of(User(11, "ann", (), None), Grant(SecretStr(secret), ()))
    with Credentials(Home(installation.home)).changing("a test") as sign_ins:
        sign_ins[github.server_url] = one
    with running(installation, "up", *FREE_PORTS, GITHUB_TOKEN="") as up:
        processes = left_on(installation.home)
        assert len(processes) > 4
        for process in processes:
            folder = Path("/proc") / str(process)
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
                assert secret.encode() not in (folder / "cmdline").read_bytes() + (folder / "environ").read_bytes()
        assert up.until_ended(up.launch("catalogue", {})) == "SUCCESS"
        asked = github.requests("rest")
        assert asked
        assert all(entry["has_token"] for entry in asked)
    files = [path for path in installation.home.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()]
    assert files == [installation.home / "credentials"]


def test_an_empty_home_comes_up_works_and_goes_down(installation: Installation, github: StandIn, up: Up) -> None:
    assert HTTP.get(up.ui).status_code == 200
    assert HTTP.get(up.ui, headers={"Host": "website.example"}).status_code == 421
    assert HTTP.get(f"{up.api}/healthz").status_code == 200
    assert HTTP.get(f"{up.api}/readyz").status_code == 503
    assert "Daily schedule is on, next at 20" in up.told
    assert up.ask(SCHEDULES)["schedulesOrError"]["results"] == [
        {"name": "collect_every_day", "scheduleState": {"status": "RUNNING"}}
    ]
    listing = up.launch("collect", {"git_contrib/daily": "yes"}, ("landing/repositories",))  # as the schedule does
    _refused(installation, up)
    assert up.until_ended(listing) == "SUCCESS"
    _the_crawl_follows_the_listing(installation, up, listing)
    _two_at_once(installation, github, up)  # only now: before, the day's crawl may be the one that holds the lock
    hanging = _start_a_run_that_hangs(github, up)
    up.process.send_signal(signal.SIGINT)
    _, talk = up.process.communicate(timeout=240)
    assert up.process.returncode == 0, talk
    assert talk == ""
    assert left_on(installation.home) == {}
    # Another may be under way: the tables that follow a crawl, just queued. It goes on with the next start.
    assert installation.dagster()["run"][hanging] not in UNDER_WAY


def _the_crawl_follows_the_listing(installation: Installation, up: Up, listing: str) -> None:
    """By itself: the first day is two runs and no third."""

    def daily() -> dict[str, dict[str, Any]]:
        return {run: found for run, found in up.runs().items() if "git_contrib/daily" in found["tags"]}

    (crawl,) = until(lambda: daily().keys() - {listing})
    assert up.until_ended(crawl) == "SUCCESS"
    assert daily()[crawl]["tags"]["dagster/sensor_name"] == "crawl_after_the_daily_listing"
    assert len(daily()) == 2
    assert installation.newcomers() == WITH_ACCOUNTS
    assert until(lambda: HTTP.get(f"{up.api}/readyz").status_code == 200)


def _refused(installation: Installation, up: Up) -> None:
    """A second one on this home, and taken ports on another."""
    second = installation.run("up", *FREE_PORTS)
    assert second.returncode == 4
    assert up.ui in second.stderr
    other = ("--home", str(installation.home.parent / "other"))
    unguarded = installation.run(*other, "up", *FREE_PORTS, GIT_CONTRIB_UI_HOSTS="*")
    assert (unguarded.returncode, unguarded.stderr.count("\n")) == (2, 1)
    assert unguarded.stderr.startswith("git-contrib: GIT_CONTRIB_UI_HOSTS contains '*'")
    for options, taken in (
        (("up", "--port", "0", "--ui-port", up.ui.rpartition(":")[2]), "--ui-port"),
        (("up", "--ui-port", "0", "--port", up.api.rpartition(":")[2]), "--port"),
        (("serve", "--port", up.api.rpartition(":")[2]), "--port"),
    ):
        done = installation.run(*other, *options)
        assert done.returncode == 1
        assert re.search(rf"^git-contrib: Port \d+ is taken by another program: .* with {taken} ", done.stderr)


def _two_at_once(installation: Installation, github: StandIn, up: Up) -> None:
    """A partition from the UI and one from the command line: the second waits for the first, both succeed."""
    github.fault("slow", kind="git", path=r"^/acme/tools\.git", delay=600.0)  # until it is cleared
    again = {"ops": {"crawl": {"config": {"everything_again": True}}}}
    from_ui = up.launch("__ASSET_JOB", {"dagster/partition": "acme/tools"}, ("landing/commits",), again)
    until(lambda: [one for one in github.faults() if one["hits"]])  # it holds the lock now
    command_line = installation.start("run", "acme/docs")
    assert command_line.stderr
    line = ""
    while f"Waiting for the crawl of run {from_ui}" not in line:
        line = command_line.stderr.readline()
        assert line, "it ended without having waited"
    github.clear_faults()
    _, talk = command_line.communicate(timeout=240)
    assert command_line.returncode == 0, talk
    assert up.until_ended(from_ui) == "SUCCESS"
    log = (installation.home / "landing" / "crawl_log.ndjson").read_text().splitlines()
    attempts = {(entry["run_id"], entry["repository"]): entry["state"] for entry in map(json.loads, log)}
    assert attempts[from_ui, "acme/tools"] == "landed"
    refreshes = [run for run in up.runs().values() if run["jobName"] == "refresh"]
    (crawl,) = [run["runId"] for run in refreshes if "git_contrib/daily" not in run["tags"]]
    found = up.ask(LANDED, run=crawl)
    assert found["runOrError"]["status"] == "SUCCESS"
    assert ["serving", "snapshot"] in [one["assetKey"]["path"] for one in found["runOrError"]["assetMaterializations"]]
    landed = {(one["runId"], one["partition"]): one for one in found["assetOrError"]["assetMaterializations"]}
    entries = landed[crawl, "acme/docs"]["metadataEntries"]
    metadata = {entry["label"]: entry.get("intValue", entry.get("text", entry.get("path"))) for entry in entries}
    assert metadata["dagster/partition_row_count"] == metadata["commits"] == 2
    assert metadata["dagster/uri"].endswith(".parquet")
    assert (from_ui, "acme/tools") in landed


def _start_a_run_that_hangs(github: StandIn, up: Up) -> str:
    """Its id, once it hangs."""
    github.fault("hang", kind="rest")
    run = up.launch("catalogue", {})
    until(lambda: [one for one in github.faults() if one["hits"]])
    return run


def test_a_kill_in_the_middle_of_a_run_leaves_nothing_running(
    installation: Installation, github: StandIn, up: Up
) -> None:
    """``kill -9`` of the command takes everything with it; the next run goes on from there."""
    _start_a_run_that_hangs(github, up)
    up.process.kill()
    up.process.wait()
    until(lambda: not left_on(installation.home))
    shutil.rmtree(json.loads((installation.home / "locks" / "up.lock").read_text())["scratch"])  # as the next one does
    github.clear_faults()
    done = installation.run("run", OWNER, "--max-wait", "0")
    assert done.returncode == 0, done.stderr
    assert not UNDER_WAY & set(installation.dagster()["runs"])


def test_a_program_that_dies_takes_the_others_along_and_is_named(installation: Installation, up: Up) -> None:
    (daemon,) = [number for number, command in left_on(installation.home).items() if "runtime.daemon" in command]
    subprocess.run(["kill", "-KILL", str(daemon)], check=True)
    _, talk = up.process.communicate(timeout=240)
    assert up.process.returncode == 1
    assert "git-contrib: The program 'daemon' ended by itself (code -9)" in talk
    assert str(installation.home / "logs" / "daemon.log") in talk
    assert "Traceback" not in talk
    assert left_on(installation.home) == {}


def test_a_history_with_telemetry_starts_nothing(installation: Installation, tmp_path: Path) -> None:
    """An own DAGSTER_HOME, in which Dagster's telemetry is on unless its file says otherwise."""
    (own := tmp_path / "own").mkdir()
    done = installation.run("up", *FREE_PORTS, DAGSTER_HOME=str(own))
    assert done.returncode == 1
    assert f"write 'telemetry: {{enabled: false}}' into {own}/dagster.yaml" in done.stderr
    assert "Traceback" not in done.stderr
    assert "UI on" not in done.stderr


def test_the_demo_serves_the_ui_beside_the_api(installation: Installation) -> None:
    nowhere = {"GITHUB_API_URL": "", "GITHUB_GRAPHQL_URL": "", "GITHUB_SERVER_URL": ""}
    token = "a-token-of-the-API-with-enough-characters"
    with running(installation, "demo", *FREE_PORTS, GIT_CONTRIB_API_TOKEN=token, **nowhere) as demo:
        assert HTTP.get(demo.ui).status_code == 200
        assert HTTP.get(f"{demo.api}/v1/repositories").json()["total_records"] == 12
        assert {run["status"] for run in demo.runs().values()} == {"SUCCESS"}
        (child,) = [number for number, command in left_on(installation.home).items() if "runtime.daemon" in command]
        variables = Path(f"/proc/{child}/environ").read_bytes().split(b"\0")
        assert b"DAGSTER_DISABLE_TELEMETRY=yes" in variables  # else it would send what an earlier one noted
        (github,) = [one.partition(b"=")[2].decode() for one in variables if one.startswith(b"GITHUB_API_URL=")]
        assert HTTP.get(f"{github}/orgs/octo-harbor").status_code == 200  # answers as long as the UI may ask it
        _only_the_api_has_its_token(installation, demo, token)
        demo.process.send_signal(signal.SIGTERM)
        demo.process.communicate(timeout=240)
        assert demo.process.returncode == 0


def _only_the_api_has_its_token(installation: Installation, demo: Up, token: str) -> None:
    """It answers whoever bears it; no other program that was started has it, and none shows it in its arguments."""
    answers = [HTTP.get(f"{demo.api}/v1/owners", headers={"Authorization": f"Bearer {one}"}) for one in (token, "x")]
    assert [answer.status_code for answer in answers] == [200, 401]
    programs = {number: one for number, one in left_on(installation.home).items() if number != demo.process.pid}
    assert not [command for command in programs.values() if token in command]
    holders = [
        command
        for number, command in programs.items()
        if token.encode() in Path(f"/proc/{number}/environ").read_bytes()
    ]
    assert len(programs) > len(holders)
    assert [" serve " in command for command in holders] == [True]
