"""How git is run: where the token goes, and how it ends."""

import base64
import os
import shutil
import subprocess
import threading
import time
import traceback

import pytest
from crawl_scene import history_source, listed
from git_scene import ADVERTISEMENT, ANN, ANVIL, BOB, clone_of, lose, pack_line, read, shas
from git_server import Fault, author_line, committer_line, serving
from github_scene import TOKEN

from git_contrib_assets.errors import GitContribError, HistoryIncomplete, HistoryUnavailable, RepositoryFailed
from git_contrib_assets.sources.histories.cancellation import Cancellation
from git_contrib_assets.sources.histories.git import GitHistory

SECRET = base64.b64encode(f"x-access-token:{TOKEN}".encode()).decode()


def test_a_server_that_drips_is_given_up(server, source):
    """A byte now and then is no transfer."""
    server.create("acme/anvil", ANN)
    server.faults["acme/anvil"] = Fault(drip=True)
    source.attempts, source.patience = 1, 1
    with pytest.raises(HistoryUnavailable, match="does not answer in time"):
        read(source)
    assert GitHistory.patience > 75  # a healthy server may compute that long


def test_a_local_command_asks_nobody(server, source):
    """Not even for what is missing: git would fetch it behind our back, trees and all."""
    upstream = server.create("acme/anvil", ANN, BOB)
    history = source.read(ANVIL, cancellation=Cancellation())
    lose(clone_of(source), upstream.shas()[-1])
    server.seen.clear()
    with pytest.raises(HistoryIncomplete):
        list(history.batches)
    assert server.seen == []


# The token


@pytest.fixture
def watched_git(tmp_path, monkeypatch):
    """A git before git that writes down how it was called."""
    real, log, folder = shutil.which("git"), tmp_path / "calls", tmp_path / "bin"
    folder.mkdir()
    script = folder / "git"
    script.write_text(f'#!/bin/sh\n{{ echo "$0 $@"; echo ---; env; echo ===; }} >> {log}\nexec {real} "$@"\n')
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return log


def test_the_token_is_sent_unasked_and_never_in_argv_or_on_disk(server, tmp_path, watched_git, monkeypatch):
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
    monkeypatch.setenv("GIT_TRACE_CURL", str(tmp_path / "trace"))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "nowhere"))
    monkeypatch.setenv("PGPASSWORD", "open-sesame")
    monkeypatch.setenv("GIT_CONTRIB_POSTGRES_URL", "postgresql://ann:open-sesame@db.example/stats")
    server.create("acme/anvil", ANN)
    (tmp_path / "git").mkdir()
    source = history_source(server, tmp_path / "git", TOKEN)
    assert source.unusable() is None
    assert source.has_branches(ANVIL, cancellation=Cancellation())
    server.create("acme/anvil2", "Zoë <z@x>".encode()).push_raw(author_line(ANN), committer_line(), b"encoding latin1")
    read(source)
    read(source)
    read(source, listed(102, "acme/anvil2"))
    assert {one.authorization for one in server.seen} == {f"Basic {SECRET}"}
    calls = [call.split("---") for call in watched_git.read_text().split("===")[:-1]]
    assert len(calls) >= 12
    for argv, environment in calls:
        assert TOKEN not in argv
        assert SECRET not in argv
        assert TOKEN not in environment
        assert (SECRET in environment) == any(word in argv.split() for word in ("clone", "fetch", "ls-remote"))
        assert "GIT_TRACE" not in environment
        assert "open-sesame" not in environment
        assert "GIT_TERMINAL_PROMPT=0" in environment
    for path in tmp_path.rglob("*"):
        if path.is_file() and path != watched_git:
            content = path.read_bytes()
            assert TOKEN.encode() not in content, path
            assert SECRET.encode() not in content, path


@pytest.mark.parametrize(
    "fault",
    [
        Fault(401, f"remote: {TOKEN}"),
        Fault(403, f"{SECRET} {TOKEN}"),
        Fault(404, TOKEN),
        Fault(502, f"{TOKEN} " * 9),
        Fault(301, location=f"http://127.0.0.1:1/{TOKEN}"),
        Fault(200, pack_line(f"ERR {TOKEN} {SECRET}"), kind=ADVERTISEMENT),
        Fault(spoil="flipped"),
        Fault(drip=True),
    ],
    ids=lambda fault: f"{fault.status}{fault.spoil}{fault.drip or ''}",
)
def test_the_token_is_in_no_error(server, tmp_path, fault):
    """Whatever the server makes of it: neither in its text, nor in those of its causes, nor in a traceback."""
    server.create("acme/anvil", ANN)
    (tmp_path / "git").mkdir()
    server.faults["acme/anvil"] = fault
    source = history_source(server, tmp_path / "git", TOKEN)
    source.patience, source.attempts = 1, 2
    with pytest.raises(GitContribError) as caught:
        read(source)
    shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value) + repr(source)
    assert TOKEN not in shown
    assert SECRET not in shown


def test_without_a_token_nothing_is_sent(server, source):
    server.create("acme/anvil", ANN)
    read(source)
    assert {one.authorization for one in server.seen} == {None}


def test_the_token_does_not_follow_a_redirect_to_another_host(server, tmp_path):
    """Git sends it there with the requests after the one that is redirected: so no redirect is followed."""
    (tmp_path / "git").mkdir()
    with serving(tmp_path / "upstream") as elsewhere:
        server.create("acme/anvil", ANN)
        server.faults["acme/anvil"] = Fault(301, location=elsewhere.url)
        source = history_source(server, tmp_path / "git", TOKEN)
        with pytest.raises(HistoryUnavailable, match="acme/anvil"):
            read(source)
        assert elsewhere.seen == []
        assert {one.authorization for one in server.seen} != {None}


def test_without_a_token_a_redirect_is_followed(server, source, tmp_path):
    with serving(tmp_path / "upstream") as elsewhere:
        server.create("acme/anvil", ANN)
        server.faults["acme/anvil"] = Fault(301, location=elsewhere.url)
        assert len(shas(source)) == 1


def test_the_users_own_configuration_changes_nothing(server, source, tmp_path, monkeypatch):
    """Neither a log format, nor a signature, nor a rewritten address."""
    home = tmp_path / "somebody"
    home.mkdir()
    (home / ".gitconfig").write_text(
        '[url "http://127.0.0.1:1/"]\n insteadOf = http://\n[log]\n showSignature = true\n[i18n]\n logOutputEncoding = latin1\n'
    )
    monkeypatch.setenv("HOME", str(home))
    upstream = server.create("acme/anvil", "Zoë <z@x>".encode())
    _, rows = read(source)
    assert [row["author_name"] for row in rows] == ["Zoë"]
    assert len(rows) == len(upstream.shas())


# Being stopped


def processes(*words: str) -> list[str]:
    """The processes that run now and have one of these words in their command."""
    listing = subprocess.run(["ps", "-ww", "-eo", "stat=,args="], capture_output=True, text=True, check=True).stdout
    alive = [line for line in listing.splitlines() if not line.startswith("Z")]
    return [line for line in alive if any(word in line for word in words)]


def all_end(*words: str) -> bool:
    """Whether they do, within a minute."""
    ended = time.monotonic() + 60
    while processes(*words):
        if time.monotonic() > ended:
            return False
        threading.Event().wait(0.02)
    return True


def test_cancelling_ends_a_git_that_waits_for_a_slow_server(server, source):
    """The thread comes back, with an error; git and its helpers are gone; nothing half made is left."""
    server.create("acme/anvil", ANN)
    server.faults["acme/anvil"] = Fault(stall=True)
    cancellation, errors = Cancellation(), []

    def reading():
        try:
            source.read(ANVIL, cancellation=cancellation)
        except HistoryUnavailable as error:
            errors.append(error)

    thread = threading.Thread(target=reading)
    thread.start()
    assert server.stalled.wait(60)
    assert processes(server.url)
    cancellation.cancel()
    thread.join(60)
    assert not thread.is_alive()
    assert "interrupted" in str(errors[0])
    assert all_end(server.url, str(source.clones))
    assert list(source.clones.iterdir()) == []


def test_a_git_that_is_killed_while_it_looks_for_the_tip_is_no_empty_repository(server, source, git_that):
    """As by a cancellation: it says as little as one that finds no commit."""
    server.create("acme/anvil", ANN)
    git_that("*rev-parse*", "kill -9 $$")
    with pytest.raises(RepositoryFailed, match="acme/anvil"):
        source.read(ANVIL, cancellation=Cancellation())


def test_cancelling_ends_a_log_that_is_being_read_and_keeps_the_clone(server, source):
    """It is no corrupt history: nobody must throw the clone away for it."""
    server.create("acme/anvil", *[b"Author %d <a%d@example.com>" % (number, number) for number in range(6000)])
    cancellation = Cancellation()
    history = source.read(ANVIL, cancellation=cancellation)
    next(history.batches)
    cancellation.cancel()
    with pytest.raises(HistoryUnavailable, match="interrupted"):
        list(history.batches)
    assert clone_of(source).exists()


def test_after_the_cancellation_nothing_is_started(server, source):
    server.create("acme/anvil", ANN)
    cancellation = Cancellation()
    cancellation.cancel()
    with pytest.raises(HistoryUnavailable, match="interrupted"):
        source.read(ANVIL, cancellation=cancellation)
    assert server.seen == []


def test_who_stops_reading_leaves_no_git_behind(server, source):
    server.create("acme/anvil", *[b"Author %d <a%d@example.com>" % (number, number) for number in range(6000)])
    cancellation = Cancellation()
    history = source.read(ANVIL, cancellation=cancellation)
    next(history.batches)
    assert processes(str(source.clones))
    history.batches.close()
    assert processes(str(source.clones)) == []
