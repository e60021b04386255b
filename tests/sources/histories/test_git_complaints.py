"""What is made of git's words, whoever wrote them."""

import shutil

import pytest

from git_contrib_assets.errors import (
    HistoryIncomplete,
    HistoryUnavailable,
    RepositoryBlocked,
    RepositoryNotFound,
    StorageFull,
    TokenRefused,
)
from git_contrib_assets.sources.histories.git_complaints import (
    CacheBroken,
    GitUnreachable,
    TryAgain,
    is_full,
    requests_made,
    translate,
    translate_local,
)

URL = "https://github.com/acme/anvil.git/"
ASKED = f"fatal: could not read Username for '{URL}': terminal prompts disabled"
STATUS = f"fatal: unable to access '{URL}': The requested URL returned error: "
NO_SPACE = "No space left on device"


def meaning(complaint, *, with_token=True, disk_full=True):
    advice = "unset it" if with_token else None
    error = translate(complaint, "acme/anvil", token_advice=advice, disk_full=lambda: disk_full)
    assert "acme/anvil" in str(error)
    assert "github.com" not in str(error)
    return type(error)


@pytest.mark.parametrize(
    ("complaint", "error"),
    [
        (ASKED, TokenRefused),
        (f"remote: Invalid username or token.\nfatal: Authentication failed for '{URL}'", TokenRefused),
        (f"{STATUS}401", TokenRefused),
        (f"remote: Not Found\nfatal: repository '{URL}' not found", RepositoryNotFound),
        (f"{STATUS}403", RepositoryBlocked),
        (f"{STATUS}451", RepositoryBlocked),
        (f"{STATUS}429", TryAgain),
        (f"remote: This request was rate-limited.\n{STATUS}403", TryAgain),
        (f"{STATUS}502", TryAgain),
        (f"fatal: unable to access '{URL}': Could not resolve host: github.com", GitUnreachable),
        (f"fatal: unable to access '{URL}': Operation too slow. Less than 1000 bytes/sec", GitUnreachable),
        (f"fatal: unable to access '{URL}': SSL certificate problem", GitUnreachable),
        ("fatal: source repository is shallow, reject to clone.", HistoryIncomplete),
        ("warning: rejected abc because shallow roots are not allowed to be updated", HistoryIncomplete),
        ("fatal: pack has bad object at offset 12: inflate returned -3", CacheBroken),
        ("what nobody ever heard", CacheBroken),
        (f"fatal: write error: {NO_SPACE}", StorageFull),
        ("error: file write error: Disk quota exceeded\nfatal: early EOF", StorageFull),
    ],
)
def test_what_git_says_has_a_meaning(complaint, error):
    assert meaning(complaint) is error


@pytest.mark.parametrize("complaint", [ASKED, f"fatal: Authentication failed for '{URL}'", f"{STATUS}401"])
def test_who_sends_no_token_has_none_that_can_be_refused(complaint):
    """GitHub answers 401 for a repository that is private or missing, to those who send none."""
    assert meaning(complaint, with_token=False) is RepositoryNotFound


@pytest.mark.parametrize(
    "complaint",
    [
        f"remote: {NO_SPACE}\n{STATUS}500",
        f"remote: fatal: write error: {NO_SPACE}\nfatal: early EOF",
        f"remote: a\x0bfatal: write error: {NO_SPACE}\u2028fatal: {NO_SPACE}\nfatal: early EOF",
        f"fatal: remote error: {NO_SPACE}",
        f"fatal: remote error: upload-pack:\nfatal: write error: {NO_SPACE}",
    ],
)
def test_a_full_disk_of_the_servers_is_not_ours(complaint):
    assert meaning(complaint) is not StorageFull


def test_words_about_the_disk_are_believed_only_if_the_disk_says_so_too():
    assert meaning(f"fatal: write error: {NO_SPACE}", disk_full=False) is HistoryUnavailable
    said = translate_local(f"error: could not write config: {NO_SPACE}", "acme/anvil", disk_full=lambda: False)
    assert type(said) is HistoryUnavailable
    assert type(translate_local(NO_SPACE, "acme/anvil", disk_full=lambda: True)) is StorageFull


@pytest.mark.parametrize("complaint", [f"remote: error: 401\n{STATUS}404", f"fatal: remote error: {ASKED}"])
def test_the_server_cannot_call_the_token_refused_in_its_text(complaint):
    assert meaning(complaint) is not TokenRefused


def test_the_name_of_a_repository_or_of_a_server_is_no_complaint():
    words = "fatal: unable to access 'https://dmca.shallow.example/acme/corrupt.git/': The requested URL returned error: 502"
    error = translate(f"{words} acme/corrupt", "acme/corrupt", token_advice=None, disk_full=lambda: False)
    assert type(error) is TryAgain


def test_what_a_local_command_says_is_about_the_clone():
    assert type(translate_local("fatal: not found", "acme/anvil", disk_full=lambda: True)) is CacheBroken


@pytest.mark.parametrize(
    ("command", "status", "complaint", "requests"),
    [
        ("clone", 0, "", 3),
        ("clone", 0, "warning: You appear to have cloned an empty repository.", 2),
        ("fetch", 0, "From https://github.com/acme/anvil\n   1..2  main -> main", 3),
        ("fetch", 0, "", 2),
        ("ls-remote", 0, "", 2),
        ("clone", 128, ASKED, 1),
        ("clone", 128, f"{STATUS}502", 1),
        ("fetch", 128, "fatal: couldn't find remote ref refs/heads/x", 2),
        ("clone", 128, "error: RPC failed; HTTP 502\nfatal: expected flush after ref listing", 2),
        ("clone", 128, "fatal: early EOF", 3),
    ],
)
def test_how_many_requests_a_command_made_is_in_its_words(command, status, complaint, requests):
    assert requests_made(command, status, complaint) == requests


def test_the_disk_itself_says_whether_it_is_full(tmp_path):
    assert is_full(tmp_path) == (shutil.disk_usage(tmp_path).free < 64 << 20)
    assert not is_full(tmp_path / "missing")
