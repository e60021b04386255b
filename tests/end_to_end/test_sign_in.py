"""Sign-in as people do it, and all that is collected with it: the token stays in one file."""

import base64
import contextlib
import itertools
import os
import pty
import re
import shutil
import signal
import stat
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from installations import OWNER, WITH_ACCOUNTS, Installation
from waiting import until

from git_contrib_assets.storage.credentials import Credentials, SignIn
from git_contrib_assets.storage.home import Home
from github_stand_in.oauth import OAuthSettings
from github_stand_in.server import StandIn

CLIENT = OAuthSettings().client_id


@pytest.fixture
def installation(github: StandIn, installation: Installation) -> Installation:
    """One without a token, which may ask once a second."""
    github.create("ann/notes", owner_type="User", created_at="2024-01-15T00:00:00Z")
    github.profile("ann", id=11, organisations=[OWNER])
    github.oauth(interval=1)
    installation.environment |= {"GITHUB_TOKEN": "", "GIT_CONTRIB_OAUTH_CLIENT_ID": CLIENT}
    return installation


def user_code(github: StandIn) -> str:
    """The code of the device that waits, once it has asked."""
    return str(until(lambda: github.oauth()["requests"])[0]["user_code"])


def signed_in(installation: Installation, github: StandIn, *arguments: str) -> subprocess.Popen[str]:
    """A `login` that has shown its code, and ann's consent."""
    process = installation.start("login", *arguments)
    github.approve(user_code(github), "ann")
    return process


def sign_in(installation: Installation, github: StandIn) -> SignIn:
    process = signed_in(installation, github)
    _, said = process.communicate(timeout=240)
    assert process.returncode == 0, said
    found = Credentials(Home(installation.home)).sign_in(github.server_url)
    assert found is not None
    return found


def secrets_of(one: SignIn) -> list[bytes]:
    token = one.token.get_secret_value().encode()
    secrets = [token, base64.b64encode(b"x-access-token:" + token)]
    return [*secrets, one.refresh_token.get_secret_value().encode()] if one.refresh_token else secrets


def files_that_hold(secrets: list[bytes], home: Path) -> set[str]:
    held = set()
    for path in home.rglob("*"):
        if path.is_file() and any(secret in path.read_bytes() for secret in secrets):
            held.add(str(path.relative_to(home)))
    return held


def test_a_person_signs_in(installation: Installation, github: StandIn) -> None:
    process = signed_in(installation, github)
    told, said = process.communicate(timeout=240)
    assert process.returncode == 0, said
    (asked,) = github.oauth()["requests"]
    for words in (f"{github.server_url}/login/device", asked["user_code"], "15 min", "Ctrl-C"):
        assert words in said
    for scope, reason in (
        ("repo", "GitHub has no scope that only reads them"),
        ("read:org", "organisations"),
        ("user:email", "own"),
    ):
        assert re.search(rf"^  {scope} +.*{reason}", said, re.MULTILINE)
    assert f"Signed in to {github.server_url} as ann (repo, read:org, user:email)" in said
    assert told == ""
    polls = [asked["asked_at"], *asked["polls"]]
    assert min(later - earlier for earlier, later in itertools.pairwise(polls)) >= 1
    assert stat.S_IMODE((installation.home / "credentials").stat().st_mode) == 0o600
    one = Credentials(Home(installation.home)).sign_in(github.server_url)
    assert one.token.get_secret_value() not in said
    status = installation.run("login", "--status")
    assert "ann (11)" in status.stdout
    assert one.token.get_secret_value() not in status.stdout + status.stderr


def test_less_may_be_asked_for(installation: Installation, github: StandIn) -> None:
    _, said = signed_in(installation, github, "--public-only").communicate(timeout=240)
    assert github.oauth()["requests"][0]["scopes"] == ["read:org", "user:email"]
    assert "as ann (read:org, user:email)" in said
    assert "Without the scope repo, private repositories are not seen" in said


def test_less_may_be_granted(installation: Installation, github: StandIn) -> None:
    process = installation.start("login")
    github.approve(user_code(github), "ann", scopes=[])
    _, said = process.communicate(timeout=240)
    assert process.returncode == 0
    for scope in ("repo", "read:org", "user:email"):
        assert f"Without the scope {scope}, " in said


def test_a_person_declines(installation: Installation, github: StandIn) -> None:
    process = installation.start("login")
    github.deny(user_code(github))
    _, said = process.communicate(timeout=240)
    assert process.returncode == 5
    assert "declined" in said
    assert not (installation.home / "credentials").exists()


@pytest.mark.parametrize(
    ("app", "variables", "code", "words"),
    [
        ({"expires_in": 2}, {}, 4, "expired before it was entered"),
        ({"device_flow": False}, {}, 5, "Enable Device Flow"),
        ({}, {"GIT_CONTRIB_OAUTH_CLIENT_ID": "Iv1.other"}, 5, "no OAuth app with this client id"),
        ({}, {"GITHUB_SERVER_URL": "http://127.0.0.1:9"}, 1, "check the network and GITHUB_SERVER_URL"),
        ({}, {"GIT_CONTRIB_OAUTH_CLIENT_ID": ""}, 2, "settings/applications/new"),
    ],
    ids=["expired", "disabled", "unknown app", "no network", "no app"],
)
def test_how_it_may_end(
    installation: Installation,
    github: StandIn,
    app: dict[str, object],
    variables: dict[str, str],
    code: int,
    words: str,
) -> None:
    github.oauth(**app)
    done = installation.run("login", **variables)
    assert done.returncode == code, done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert not (installation.home / "credentials").exists()


def test_ctrl_c_while_it_waits_stores_nothing(installation: Installation, github: StandIn) -> None:
    process = installation.start("login")
    until(lambda: github.oauth()["requests"] and github.oauth()["requests"][0]["polls"])
    process.send_signal(signal.SIGINT)
    told, said = process.communicate(timeout=240)
    assert process.returncode == 130
    assert "Traceback" not in told + said
    assert not (installation.home / "credentials").exists()


def test_a_terminal_does_not_show_a_token_that_is_typed(installation: Installation, github: StandIn) -> None:
    secret = "ghp_typed_by_a_person"
    github.add_token(secret, login="ann", id=11, scopes=["repo"])
    person, terminal = pty.openpty()
    with subprocess.Popen(
        installation.command("login", "--with-token"),
        env=installation.environment,
        stdin=terminal,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,  # the terminal of whoever runs the tests is not asked
    ) as process:
        assert process.stderr
        assert process.stderr.read(len("Token: ")) == b"Token: "
        os.write(person, f"{secret}\n".encode())
        told, said = process.communicate(timeout=240)
    os.close(terminal)
    shown = b""
    with contextlib.suppress(OSError):  # nothing was shown, and nobody is there any more
        shown = os.read(person, 1000)
    os.close(person)
    assert process.returncode == 0, said
    assert b"Signed in" in said
    assert secret.encode() not in told + said + shown


# What is collected with it


@pytest.fixture
def calls_of_git(installation: Installation, tmp_path: Path) -> Path:
    """What each git was started with: a git before git writes its arguments and its environment to a file of its own."""
    real, log, folder = shutil.which("git"), tmp_path / "calls", tmp_path / "bin"
    folder.mkdir()
    log.mkdir()
    script = folder / "git"
    script.write_text(f'#!/bin/sh\n{{ echo "$0 $@"; echo ---; env; }} > {log}/$$\nexec {real} "$@"\n')
    script.chmod(0o755)
    installation.environment["PATH"] = f"{folder}{os.pathsep}{os.environ['PATH']}"
    return log


@pytest.mark.parametrize("source", ["git", "rest"])
def test_a_run_with_a_sign_in(installation: Installation, github: StandIn, calls_of_git: Path, source: str) -> None:
    """As with GITHUB_TOKEN: accounts are joined, all requests bear the token, and it is nowhere else."""
    one = sign_in(installation, github)
    github.forget_requests()
    done = installation.run("-vv", "run", OWNER, GIT_CONTRIB_SOURCE=source)
    assert done.returncode == 0, done.stderr
    assert "No token" not in done.stderr
    assert installation.newcomers() == WITH_ACCOUNTS
    assert all(entry["has_token"] for entry in github.requests())
    assert {entry["kind"] for entry in github.requests()} == (
        {"rest", "git", "graphql"} if source == "git" else {"rest"}
    )
    token, for_git = secrets_of(one)
    assert files_that_hold([token, for_git], installation.home) == {"credentials"}
    for text in (done.stdout.encode(), done.stderr.encode()):
        assert token not in text
        assert for_git not in text
    calls = [path.read_bytes() for path in calls_of_git.iterdir()]
    assert source == "rest" or len(calls) > 4
    for arguments, _, environment in (call.partition(b"---") for call in calls):
        assert token not in arguments + environment
        assert for_git not in arguments
        # git has it in its environment, as a header for the one host, while it talks to that
        assert (for_git in environment) == any(word in arguments.split() for word in (b"clone", b"fetch", b"ls-remote"))


def test_everything_of_the_signed_in_user(installation: Installation, github: StandIn) -> None:
    assert "@me needs a token: set GITHUB_TOKEN, or run git-contrib login" in installation.run("run", "@me").stderr
    sign_in(installation, github)
    done = installation.run("run", "@me")
    assert done.returncode == 0, done.stderr
    found = [name for (name,) in installation.query("select repository from repositories order by all")]
    assert "ann/notes" in found
    assert all(name.startswith(("ann/", f"{OWNER}/")) for name in found)


def test_the_schedule_runs_with_it_too(
    installation: Installation, github: StandIn, request: pytest.FixtureRequest
) -> None:
    sign_in(installation, github)
    day = request.getfixturevalue("day")  # only now: it takes the environment over
    github.forget_requests()
    assert all(success for _, success in day().ended)
    assert installation.newcomers() == WITH_ACCOUNTS
    assert all(entry["has_token"] for entry in github.requests())


def test_a_run_goes_on_when_its_token_expires(installation: Installation, github: StandIn) -> None:
    """It has expired when the run begins, and the next ones live for three seconds each."""
    github.oauth(token_seconds=28_800)
    one = sign_in(installation, github)
    github.oauth(token_seconds=3)
    github.revoke_token(one.token.get_secret_value())
    with Credentials(Home(installation.home)).changing("a test") as sign_ins:
        sign_ins[github.server_url] = one.model_copy(update={"expires_at": datetime.now(UTC) - timedelta(hours=1)})
    github.forget_requests()
    done = installation.run("run", OWNER)
    assert done.returncode == 0, done.stderr
    assert installation.newcomers() == WITH_ACCOUNTS
    renewals = [entry for entry in github.requests("html") if entry["path"] == "/login/oauth/access_token"]
    assert renewals
    now = Credentials(Home(installation.home)).sign_in(github.server_url)
    assert now.token != one.token
    assert files_that_hold([*secrets_of(one), *secrets_of(now)], installation.home) == {"credentials"}


def test_a_sign_in_that_has_ended_says_so(installation: Installation, github: StandIn) -> None:
    one = sign_in(installation, github)
    github.revoke_token(one.token.get_secret_value())
    done = installation.run("run", OWNER)
    assert done.returncode == 5
    assert "run git-contrib login again, or git-contrib logout to go on without" in done.stderr
    assert installation.run("logout").returncode == 0
    assert installation.run("run", OWNER).returncode == 0
