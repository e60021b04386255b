"""The git source against real git: what it reads, what it asks for, what it makes of failures."""

import base64
import shutil
from dataclasses import dataclass, field
from datetime import datetime

import pytest
from crawl_scene import history_source, listed
from git_scene import ADVERTISEMENT, ANN, ANVIL, BOB, clone_of, lose, pack_line, read, shas
from git_server import Fault, Upstream, git
from github_scene import TOKEN, github_settings
from pydantic import SecretStr

from git_contrib_assets.errors import (
    HistoryCorrupt,
    HistoryIncomplete,
    HistoryUnavailable,
    RepositoryBlocked,
    RepositoryFailed,
    RepositoryNotFound,
    StorageFull,
    TokenRefused,
)
from git_contrib_assets.sources.histories.git import GitHistory, sweep_clones


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


@pytest.mark.parametrize("warm", [False, True], ids=["cold", "warm"])
def test_a_token_that_git_is_refused_with_is_a_refused_token(server, source, tmp_path, warm):
    """No repository is called gone for it, and it is asked once."""
    server.create("acme/anvil", ANN)
    if warm:
        read(source)
    server.seen.clear()
    server.faults["acme/anvil"] = Fault(401, "Repository not found.")
    source = history_source(server, tmp_path / "git", TOKEN)
    with pytest.raises(TokenRefused, match="GITHUB_TOKEN") as caught:
        read(source)
    assert caught.value.requests == len(server.seen) == 1
    assert clone_of(source).exists() == warm


@dataclass
class Replaced:
    """A sign-in whose token was renewed by another process, as soon as somebody asks."""

    tokens: list[str]
    advice: str = "sign in again"
    signed_in: bool = True
    due: bool = False
    refused: list[str] = field(default_factory=list)

    @property
    def current(self):
        return SecretStr(self.tokens[0])

    def token(self):
        return self.current

    def replaced(self, refused):
        self.refused.append(refused.get_secret_value())
        if len(self.tokens) > 1:
            del self.tokens[0]
        return self.tokens[0] != refused.get_secret_value()


def test_a_token_that_was_renewed_meanwhile_is_sent_instead(server, tmp_path):
    upstream = server.create("acme/anvil", ANN)
    server.faults["acme/anvil"] = Fault(401, "Bad credentials", times=1)
    (tmp_path / "git").mkdir()
    authorisation = Replaced(["gho_old", "gho_new"])
    source = GitHistory(github_settings(None, server_url=server.url), tmp_path / "git", authorisation)
    assert shas(source) == upstream.shas()
    assert authorisation.refused == ["gho_old"]
    sent = [base64.b64decode(one.authorization.removeprefix("Basic ")) for one in server.seen]
    assert sent == [b"x-access-token:gho_old"] + [b"x-access-token:gho_new"] * (len(sent) - 1)
    server.faults["acme/anvil"] = Fault(401, "Bad credentials")
    with pytest.raises(TokenRefused, match="sign in again"):
        read(source)
    assert authorisation.refused == ["gho_old", "gho_new"]


def test_without_a_token_401_is_a_repository_that_is_missing_or_private(server, source):
    server.faults["acme/anvil"] = Fault(401, "Repository not found.")
    with pytest.raises(RepositoryNotFound):
        read(source)
    assert len(server.seen) == 1


@pytest.mark.parametrize(
    "fault",
    [
        Fault(500, "No space left on device"),
        Fault(200, pack_line("ERR x\nfatal: write error: No space left on device"), kind=ADVERTISEMENT),
        Fault(404, "fatal: write error: No space left on device"),
    ],
    ids=["500", "ERR", "404"],
)
def test_a_full_disk_of_the_servers_fails_its_repository_alone(server, source, fault):
    source.disk_full = lambda _: True
    server.faults["acme/anvil"] = fault
    with pytest.raises(RepositoryFailed, match="acme/anvil"):
        read(source)


@pytest.mark.parametrize(
    ("full", "error"), [(True, StorageFull), (False, HistoryUnavailable)], ids=["full", "not full"]
)
def test_what_git_says_of_our_disk_is_compared_with_the_disk(server, source, git_that, full, error):
    server.create("acme/anvil", ANN)
    git_that("*clone*", "echo 'fatal: write error: No space left on device' >&2; exit 128")
    source.disk_full = lambda folder: full and folder == source.clones
    with pytest.raises(error, match="acme/anvil"):
        read(source)


@pytest.mark.parametrize(
    ("fault", "requests"),
    [
        (Fault(404), 1),
        (Fault(403), 1),
        (Fault(502), 3),
        (Fault(502, after=1), 4),
        (Fault(spoil="flipped"), 9),
    ],
    ids=["404", "403", "502", "502 to the second", "flipped"],
)
def test_a_failure_tells_how_many_requests_it_took(server, source, fault, requests):
    """Of all attempts together."""
    server.create("acme/anvil", ANN)
    server.faults["acme/anvil"] = fault
    with pytest.raises(RepositoryFailed) as caught:
        read(source)
    assert caught.value.requests == server.requests("acme/anvil") == requests


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
    lose(clone_of(source), upstream.shas()[-1])
    with pytest.raises(HistoryCorrupt):
        read(source)
    source.forget(ANVIL)
    assert shas(source) == upstream.shas()


# What is cut off


def cut_off(server, name, depth):
    """Make a repository one that knows its last commits only."""
    whole = server.root / f"{name}.git"
    there = whole.rename(whole.with_name("whole.git"))
    git(there, "clone", "--quiet", "--bare", f"--depth={depth}", there.absolute().as_uri(), str(whole))
    git(whole, "config", "uploadpack.allowFilter", "true")
    return Upstream(whole)


@pytest.mark.parametrize("warm", [False, True], ids=["cold", "warm"])
def test_a_server_that_has_the_last_commits_only_is_incomplete(server, source, warm):
    """Git would ask it for the others again and again, each time from within the request before."""
    upstream = server.create("acme/anvil", ANN, BOB, ANN)
    if warm:
        read(source)
        upstream.push(*[BOB] * 4)
    cut_off(server, "acme/anvil", 2)
    with pytest.raises(HistoryIncomplete, match="acme/anvil"):
        read(source)
    assert len(server.seen) < 12
    assert not list(source.clones.glob("*.tmp"))


@pytest.mark.parametrize("damage", ["no root", "no middle"])
def test_a_server_that_leaves_commits_out_of_what_it_sends_is_incomplete(server, source, git_that, damage):
    """Git takes such a pack: whatever a filtered one lacks counts as left out on purpose."""
    upstream = server.create("acme/anvil", ANN, BOB, ANN)
    left_out = upstream.shas()[-1 if damage == "no root" else 1]
    server.leaves_out = left_out
    with pytest.raises(HistoryIncomplete, match="acme/anvil"):
        read(source)
    assert server.requests("acme/anvil") == 3


@pytest.mark.parametrize("planted", ["shallow", "grafts", "replace"])
def test_nothing_in_the_clone_on_disk_makes_a_history_shorter(server, source, planted):
    upstream = server.create("acme/anvil", ANN, BOB, ANN)
    read(source)
    clone, tip = clone_of(source), upstream.tip()
    match planted:
        case "shallow":
            (clone / "shallow").write_text(f"{tip}\n")
        case "grafts":
            (clone / "info").mkdir(exist_ok=True)
            (clone / "info" / "grafts").write_text(f"{tip}\n")
        case "replace":
            git(clone, "replace", tip, upstream.shas()[-1])
    assert [row["parent_count"] for row in read(source)[1]] == [1, 1, 0]


def test_what_a_server_replaces_is_not_replaced_here(server, source):
    upstream = server.create("acme/anvil", ANN, BOB, ANN)
    git(upstream.folder, "replace", upstream.tip(), upstream.shas()[-1])
    assert len(shas(source)) == 3


def test_a_tip_that_is_lost_is_no_empty_repository(server, source, git_that):
    upstream = server.create("acme/anvil", ANN)
    read(source)
    lose(clone_of(source), upstream.tip())
    git_that("*fetch*", "exit 0")  # that would notice
    with pytest.raises(HistoryIncomplete):
        read(source)


def test_what_killed_clones_left_is_swept(source):
    (source.clones / "7.git.123.tmp" / "objects").mkdir(parents=True)
    (source.clones / "8.git").mkdir()
    sweep_clones(source.clones)
    assert [path.name for path in source.clones.iterdir()] == ["8.git"]
