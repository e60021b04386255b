"""The git source against real git: what it reads, what it asks for, what it makes of failures, where the token goes."""

import base64
import os
import shutil
import subprocess
import threading
import time
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pytest
from crawl_scene import history_source, listed
from git_server import Fault, git, serving
from github_scene import TOKEN, github_settings

from git_contrib_assets.errors import (
    HistoryCorrupt,
    HistoryUnavailable,
    RepositoryBlocked,
    RepositoryFailed,
    RepositoryNotFound,
)
from git_contrib_assets.sources.histories.cancellation import Cancellation
from git_contrib_assets.sources.histories.git import sweep_clones
from git_contrib_assets.sources.histories.protocol import COMMIT_SCHEMA

ANN, BOB = b"Ann <ann@example.com>", b"Bob <bob@example.com>"
ANVIL = listed(101, "acme/anvil")


@pytest.fixture
def source(server, tmp_path):
    (tmp_path / "git").mkdir()
    return history_source(server, tmp_path / "git")


def clone_of(source, repository=ANVIL):
    return source.clones / f"{repository.repository_id}.git"


def read(source, repository=ANVIL):
    """The history, and its commits as rows."""
    history = source.read(repository, cancellation=Cancellation())
    batches = list(history.batches)
    assert all(batch.schema == COMMIT_SCHEMA for batch in batches)
    return history, pa.Table.from_batches(batches, COMMIT_SCHEMA).to_pylist()


def shas(source, repository=ANVIL):
    return [row["sha"] for row in read(source, repository)[1]]


def kinds_of_objects(clone):
    """What the clone holds: looked up among what is there, so that git has no reason to fetch."""
    listing = git(clone, "cat-file", "--batch-check=%(objecttype)", "--batch-all-objects", "--unordered")
    return set(listing.split())


# What is read


def test_every_commit_of_the_default_branch(server, source):
    upstream = server.create("acme/anvil", ANN, BOB, ANN)
    history, rows = read(source)
    assert history.tip == upstream.tip()
    assert history.default_branch == "main"
    assert [row["sha"] for row in rows] == upstream.shas()
    assert rows[-1] == {
        "sha": upstream.shas()[-1],
        "parent_count": 0,
        "author_name": "Ann",
        "author_email": "ann@example.com",
        "authored_at": datetime.fromisoformat("2020-09-13T12:26:40"),
        "committed_at": datetime.fromisoformat("2020-09-13T12:26:40"),
    }
    assert [row["author_name"] for row in rows] == ["Ann", "Bob", "Ann"]


def test_other_branches_and_tags_do_not_count(server, source):
    upstream = server.create("acme/anvil", ANN)
    upstream.push(BOB, BOB, branch="topic", onto=upstream.tip())
    git(upstream.folder, "tag", "v1", upstream.tip("topic"))
    assert shas(source) == upstream.shas("main")
    assert git(clone_of(source), "for-each-ref", "--format=%(refname)") == "refs/heads/main"


def test_merges_count_with_the_number_of_their_parents(server, source):
    upstream = server.create("acme/anvil", ANN)
    upstream.push(BOB, branch="topic", onto=upstream.tip())
    upstream.push(ANN)
    upstream.merge(upstream.tip("topic"))
    _, rows = read(source)
    assert sorted(row["parent_count"] for row in rows) == [0, 1, 1, 2]
    assert sorted(row["sha"] for row in rows) == sorted(upstream.shas())


def test_an_empty_repository_has_no_tip_and_no_commits(server, source):
    server.create("acme/anvil")
    history, rows = read(source)
    assert (history.tip, rows) == (None, [])
    history, rows = read(source)
    assert (history.tip, rows) == (None, [])


def test_the_branch_is_the_servers_when_the_listing_tells_none(server, source):
    upstream = server.create("acme/anvil", ANN, branch="trunk")
    history, _ = read(source, listed(101, "acme/anvil", default_branch=None))
    assert (history.default_branch, history.tip) == ("trunk", upstream.tip("trunk"))


@pytest.mark.parametrize("branch", ["release/1.x", "ünïcode", "-dash", "HEAD", "a'b\"c$d", "@"])
def test_branches_of_any_name(server, source, branch):
    upstream = server.create("acme/anvil", ANN, branch=branch)
    repository = listed(101, "acme/anvil", default_branch=branch)
    assert shas(source, repository) == upstream.shas(f"refs/heads/{branch}")
    upstream.push(BOB, branch=branch)
    assert shas(source, repository) == upstream.shas(f"refs/heads/{branch}")


@pytest.mark.parametrize("head", ["old", "nowhere"])
def test_the_listed_branch_counts_where_the_servers_head_names_another(server, source, head):
    """As at a copy of a repository, whose HEAD names what git calls its first branch; by REST it is the listed one too."""
    upstream = server.create("acme/anvil", ANN)
    upstream.push(BOB, BOB, branch="old", onto="")
    upstream.make_default(head)
    for _ in ("cold", "warm"):
        history, rows = read(source)
        assert (history.default_branch, history.tip) == ("main", upstream.tip("main"))
        assert [row["author_name"] for row in rows] == ["Ann"]


def test_a_branch_renamed_between_the_listing_and_the_first_clone(server, source):
    upstream = server.create("acme/anvil", ANN, branch="trunk")
    history, rows = read(source)
    assert (history.default_branch, history.tip, len(rows)) == ("trunk", upstream.tip("trunk"), 1)


# The second time


def test_after_a_push_only_what_is_new_is_sent(server, source):
    upstream = server.create("acme/anvil", *[ANN] * 200)
    read(source)
    before = {path.name for path in (clone_of(source) / "objects" / "pack").iterdir()}
    upstream.push(BOB)
    assert shas(source) == upstream.shas()
    new = [path for path in (clone_of(source) / "objects").rglob("*") if path.is_file() and path.name not in before]
    assert sum(path.stat().st_size for path in new) < 3000


def test_a_forced_push_replaces_what_was_there(server, source):
    upstream = server.create("acme/anvil", ANN, ANN, ANN)
    old = read(source)[0].tip
    upstream.push(BOB, onto="")
    history, rows = read(source)
    assert history.tip == upstream.tip() != old
    assert [row["author_name"] for row in rows] == ["Bob"]


def test_a_renamed_default_branch(server, source):
    upstream = server.create("acme/anvil", ANN, branch="master")
    read(source, listed(101, "acme/anvil", default_branch="master"))
    upstream.push(BOB, branch="main", onto=upstream.tip("master"))
    upstream.make_default("main")
    upstream.delete("master")
    history, rows = read(source)
    assert history.default_branch == "main"
    assert len(rows) == 2


def test_another_default_branch_while_the_old_one_stays(server, source):
    upstream = server.create("acme/anvil", ANN, ANN)
    read(source)
    upstream.push(BOB, branch="next", onto="")
    upstream.make_default("next")
    history, rows = read(source, listed(101, "acme/anvil", default_branch="next"))
    assert (history.default_branch, [row["author_name"] for row in rows]) == ("next", ["Bob"])
    assert shas(source, listed(101, "acme/anvil", default_branch="next")) == upstream.shas("next")


def test_a_branch_renamed_after_it_was_listed(server, source):
    """The listing still says main: the server knows better."""
    upstream = server.create("acme/anvil", ANN)
    read(source)
    upstream.push(BOB, branch="trunk", onto=upstream.tip())
    upstream.make_default("trunk")
    upstream.delete("main")
    history, rows = read(source)
    assert (history.default_branch, len(rows)) == ("trunk", 2)


def test_a_repository_that_was_emptied(server, source):
    upstream = server.create("acme/anvil", ANN)
    read(source)
    upstream.delete("main")
    assert read(source)[0].tip is None


def test_a_repository_renamed_on_the_server_keeps_its_clone(server, source):
    """The clone hangs on the number."""
    upstream = server.create("acme/anvil", ANN)
    read(source)
    upstream.folder.rename(upstream.folder.with_name("hammer.git"))
    assert len(shas(source, listed(101, "acme/hammer"))) == 1
    assert [path.name for path in source.clones.iterdir()] == ["101.git"]
    assert server.requests("acme/hammer") == 2


# What it costs


def test_no_tree_and_no_blob_is_ever_fetched(server, source):
    """Nor asked for by a mailmap, which git would look up in the tree."""
    upstream = server.create("acme/anvil", ANN)
    git(upstream.folder, "fast-import", "--quiet", "--force", given=(
        b"commit refs/heads/main\ncommitter Web <web@x> 1600000000 +0000\ndata 1\nx\nfrom refs/heads/main^0\n"
        b"M 100644 inline .mailmap\ndata 45\nAnn Real <real@example.com> <ann@example.com>\n\n"
    ))  # fmt: skip
    _, rows = read(source)
    assert kinds_of_objects(clone_of(source)) == {"commit"}
    assert rows[-1]["author_email"] == "ann@example.com"
    upstream.push(BOB)
    read(source)
    assert kinds_of_objects(clone_of(source)) == {"commit"}
    missing = git(clone_of(source), "rev-list", "--objects", "--all", "--missing=print").splitlines()
    assert sum(line.startswith("?") for line in missing) >= 1


def test_three_requests_and_then_two(server, source):
    upstream = server.create("acme/anvil", *[ANN] * 50)
    history, _ = read(source)
    assert server.requests("acme/anvil") == history.requests == 3
    read(source)
    assert server.requests("acme/anvil") - 3 == 2
    upstream.push(BOB)
    history, _ = read(source)
    assert server.requests("acme/anvil") - 5 == history.requests == 3


def test_a_server_that_cannot_filter_still_gives_every_commit(server, source):
    server.filters = False
    upstream = server.create("acme/anvil", ANN, BOB)
    git(upstream.folder, "config", "--unset", "uploadpack.allowFilter")
    assert shas(source) == upstream.shas()


# What goes wrong


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault(404), RepositoryNotFound),
        (Fault(404, "Repository not found."), RepositoryNotFound),
        (Fault(401), RepositoryNotFound),
        (Fault(403), RepositoryBlocked),
        (Fault(403, "Access to this repository has been disabled by GitHub staff."), RepositoryBlocked),
        (Fault(451, "Repository access blocked"), RepositoryBlocked),
        (Fault(429), HistoryUnavailable),
        (Fault(403, "remote: This request was rate-limited due to too many requests."), HistoryUnavailable),
        (Fault(500), HistoryUnavailable),
        (Fault(502), HistoryUnavailable),
        (Fault(503), HistoryUnavailable),
        (Fault(504), HistoryUnavailable),
        (Fault(spoil="flipped"), HistoryCorrupt),
        (Fault(spoil="garbage"), (HistoryCorrupt, HistoryUnavailable)),
        (Fault(spoil="truncated"), (HistoryCorrupt, HistoryUnavailable)),
        (Fault(spoil="nothing"), (HistoryCorrupt, HistoryUnavailable)),
    ],
    ids=lambda value: f"{value.status}{value.text[:12]}{value.spoil}" if isinstance(value, Fault) else "",
)
def test_what_goes_wrong_has_a_kind(server, source, fault, error):
    """No address and no place on disk is in the message; the repository's name is."""
    upstream = server.create("acme/anvil", ANN)
    server.faults["acme/anvil"] = fault
    with pytest.raises(error, match="acme/anvil") as caught:
        read(source)
    text = str(caught.value)
    assert "127.0.0.1" not in text
    assert str(source.clones) not in text
    assert not list(source.clones.glob("*.tmp"))
    server.faults.clear()
    assert shas(source) == upstream.shas()


@pytest.mark.parametrize(
    "fault",
    [
        Fault(502, times=1),
        Fault(429, times=1),
        Fault(503, times=2),
        Fault(spoil="flipped", times=1),
        Fault(spoil="truncated", times=1),
    ],
    ids=repr,
)
def test_what_passes_is_tried_again(server, source, fault):
    upstream = server.create("acme/anvil", ANN, BOB)
    server.faults["acme/anvil"] = fault
    assert shas(source) == upstream.shas()


@pytest.mark.parametrize("fault", [Fault(404), Fault(451), Fault(403)], ids=repr)
def test_what_does_not_pass_is_asked_once(server, source, fault):
    server.faults["acme/anvil"] = fault
    with pytest.raises(RepositoryFailed):
        read(source)
    assert server.requests("acme/anvil") == 1


def test_tries_end(server, source):
    server.faults["acme/anvil"] = Fault(502)
    with pytest.raises(HistoryUnavailable):
        read(source)
    assert server.requests("acme/anvil") == source.attempts


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://no.such.host.invalid"])
def test_a_server_that_cannot_be_reached(source, url):
    source.settings = github_settings(None, server_url=url)
    with pytest.raises(HistoryUnavailable, match="cannot be reached"):
        read(source)


def test_a_certificate_that_is_not_trusted_is_no_corrupt_history(server, source):
    """Here: no certificate at all. The same words of git's come before every failure to connect."""
    source.settings = github_settings(None, server_url=server.url.replace("http:", "https:"))
    with pytest.raises(HistoryUnavailable):
        read(source)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault(404), RepositoryNotFound),
        (Fault(451), RepositoryBlocked),
        (Fault(502), HistoryUnavailable),
        (Fault(spoil="flipped"), HistoryCorrupt),
    ],
    ids=["404", "451", "502", "flipped"],
)
def test_what_goes_wrong_the_second_time(server, source, fault, error):
    upstream = server.create("acme/anvil", ANN)
    read(source)
    upstream.push(BOB)
    server.faults["acme/anvil"] = fault
    with pytest.raises(error, match="acme/anvil"):
        read(source)
    server.faults.clear()
    assert shas(source) == upstream.shas()


@pytest.mark.parametrize("damage", ["no head", "no objects", "empty pack", "empty folder", "bad ref"])
def test_a_damaged_clone_is_made_anew(server, source, damage):
    upstream = server.create("acme/anvil", ANN, BOB)
    read(source)
    clone = clone_of(source)
    match damage:
        case "no head":
            (clone / "HEAD").unlink()
        case "no objects":
            shutil.rmtree(clone / "objects")
        case "empty pack":
            for pack in (clone / "objects" / "pack").glob("*.pack"):
                pack.chmod(0o600)
                pack.write_bytes(b"")
        case "empty folder":
            shutil.rmtree(clone)
            clone.mkdir()
        case "bad ref":
            (clone / "packed-refs").unlink(missing_ok=True)
            ref = clone / "refs" / "heads" / "main"
            ref.parent.mkdir(parents=True, exist_ok=True)
            ref.write_text("0" * 39 + "1\n")
    assert shas(source) == upstream.shas()


def test_a_clone_that_lost_a_commit_is_a_corrupt_history_until_it_is_forgotten(server, source):
    upstream = server.create("acme/anvil", ANN, BOB)
    read(source)
    clone = clone_of(source)
    packs = list((clone / "objects" / "pack").iterdir())
    for pack in [path for path in packs if path.suffix == ".pack"]:
        git(clone, "unpack-objects", "-q", given=_taken(pack, packs))
    lost = upstream.shas()[-1]
    (clone / "objects" / lost[:2] / lost[2:]).unlink()
    with pytest.raises(HistoryCorrupt):
        read(source)
    source.forget(ANVIL)
    assert shas(source) == upstream.shas()


def _taken(pack: Path, packs: list[Path]) -> bytes:
    content = pack.read_bytes()
    for path in packs:
        if path.stem == pack.stem:
            path.unlink()
    return content


def test_what_killed_clones_left_is_swept(source):
    (source.clones / "7.git.123.tmp" / "objects").mkdir(parents=True)
    (source.clones / "8.git").mkdir()
    sweep_clones(source.clones)
    assert [path.name for path in source.clones.iterdir()] == ["8.git"]


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
    server.create("acme/anvil", ANN)
    (tmp_path / "git").mkdir()
    source = history_source(server, tmp_path / "git", TOKEN)
    read(source)
    read(source)
    secret = base64.b64encode(f"x-access-token:{TOKEN}".encode()).decode()
    assert {one.authorization for one in server.seen} == {f"Basic {secret}"}
    calls = [call.split("---") for call in watched_git.read_text().split("===")[:-1]]
    assert len(calls) >= 6
    for argv, environment in calls:
        assert TOKEN not in argv
        assert secret not in argv
        assert TOKEN not in environment
        assert "GIT_TRACE" not in environment
        assert "GIT_TERMINAL_PROMPT=0" in environment
    for path in tmp_path.rglob("*"):
        if path.is_file() and path != watched_git:
            content = path.read_bytes()
            assert TOKEN.encode() not in content, path
            assert secret.encode() not in content, path


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


def test_a_git_that_is_killed_while_it_looks_for_the_tip_is_no_empty_repository(server, source, tmp_path, monkeypatch):
    """As by a cancellation: it says as little as one that finds no commit."""
    server.create("acme/anvil", ANN)
    real, folder = shutil.which("git"), tmp_path / "bin"
    folder.mkdir()
    script = folder / "git"
    script.write_text(f'#!/bin/sh\ncase "$*" in *rev-parse*) kill -9 $$;; esac\nexec {real} "$@"\n')
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
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
