"""The git half of the stand-in, asked by git itself."""

import os
import signal
import subprocess
from pathlib import Path

import httpx
import pytest
from stand_in_helpers import CLONE, git, people, web

from github_stand_in.git_http import Backend, default_backend
from github_stand_in.git_objects import run_git
from github_stand_in.organisation import OWNER
from github_stand_in.server import StandIn, running


def authorization(header: str) -> dict[str, str]:
    return {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "http.extraHeader", "GIT_CONFIG_VALUE_0": header}


def kinds(directory: Path) -> set[str]:
    listed = run_git(directory, "cat-file", "--batch-all-objects", "--batch-check=%(objecttype)")
    return set(listed.split())


def test_a_treeless_clone_has_all_commits_no_trees_and_takes_three_requests(harbor: StandIn, tmp_path: Path) -> None:
    copy = tmp_path / "copy.git"
    done = git(*CLONE, f"{harbor.server_url}/{OWNER}/lighthouse.git", str(copy))
    assert (done.returncode, done.stderr) == (0, "")
    original = harbor.root / OWNER / "lighthouse.git"
    assert run_git(copy, "rev-list", "main") == run_git(original, "rev-list", "main")
    assert kinds(original) == {"commit", "tree", "blob"}
    assert kinds(copy) == {"commit"}
    assert [(entry["method"], entry["status"]) for entry in harbor.requests("git")] == [
        ("GET", 200),
        ("POST", 200),
        ("POST", 200),
    ]


@pytest.mark.parametrize("backend", ["http-backend", "upload-pack"])
@pytest.mark.parametrize("protocol", ["0", "2"])
def test_either_program_serves_either_protocol(bundled: Path, tmp_path: Path, backend: Backend, protocol: str) -> None:
    if backend != default_backend() == "upload-pack":
        pytest.skip("git http-backend is not installed")
    with running(bundled, backend=backend) as stand_in:
        url = f"{stand_in.server_url}/{OWNER}/pilot-boat"
        done = git("-c", f"protocol.version={protocol}", *CLONE, url, str(tmp_path / "copy"))
        # Git sends what is longer than its buffer in chunks, without telling the length first.
        listing = web.post(
            f"{url}.git/git-upload-pack",
            content=iter([b"0014command=ls-refs\n", b"0000"]),
            headers={"git-protocol": "version=2", "content-type": "application/x-git-upload-pack-request"},
        )
    assert done.returncode == 0, done.stderr
    assert run_git(tmp_path / "copy", "rev-list", "--count", "main").strip() == "180"
    assert "refs/heads/main" in listing.text


@pytest.mark.parametrize("backend", ["http-backend", "upload-pack"])
def test_a_long_negotiation_is_sent_zipped(small: StandIn, tmp_path: Path, backend: Backend) -> None:
    if backend != default_backend() == "upload-pack":
        pytest.skip("git http-backend is not installed")
    with running(small.root, backend=backend) as stand_in:
        url, copy = f"{stand_in.server_url}/acme/tools.git", str(tmp_path / "copy")
        assert git(*CLONE, url, copy).returncode == 0
        # Commits that the server has not are what git tells it about at length.
        small.push("acme/tools", people("fay"))
        tree = run_git(Path(copy), "log", "-1", "--format=%T").strip()
        parent = "main"
        for number in range(40):
            who = {f"GIT_{role}_{part}": "x" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")}
            done = git("--git-dir", copy, "commit-tree", tree, "-p", parent, "-m", str(number), **who)
            parent = done.stdout.strip()
        git("--git-dir", copy, "update-ref", "refs/heads/own", parent)
        fetched = git("--git-dir", copy, "fetch", "--quiet", "origin", "+refs/heads/main:refs/heads/fresh")
    assert fetched.returncode == 0, fetched.stderr
    assert run_git(Path(copy), "log", "-1", "--format=%an", "fresh").strip() == "fay"


def test_fetches_what_was_pushed_and_what_was_rewritten(small: StandIn, tmp_path: Path) -> None:
    copy = tmp_path / "copy.git"
    assert git(*CLONE, f"{small.server_url}/acme/tools.git", str(copy)).returncode == 0
    for start in ("", None):
        shas = small.push("acme/tools", people("gus", "hal"), start=start)
        assert git("--git-dir", str(copy), "fetch", "-q", "origin", "+refs/heads/main:refs/heads/main").returncode == 0
        assert run_git(copy, "rev-parse", "main").strip() == shas[-1]
    assert run_git(copy, "rev-list", "--count", "main").strip() == "2"


def test_an_empty_repository_can_be_cloned(small: StandIn, tmp_path: Path) -> None:
    done = git(*CLONE, f"{small.server_url}/acme/empty.git", str(tmp_path / "copy"))
    assert done.returncode == 0
    assert "empty repository" in done.stderr


def test_the_old_name_of_a_repository_still_works(small: StandIn, tmp_path: Path) -> None:
    small.rename("acme/tools", "toolbox")
    done = git(*CLONE, f"{small.server_url}/acme/tools.git", str(tmp_path / "copy"))
    assert done.returncode == 0, done.stderr
    assert [entry["status"] for entry in small.requests("git")] == [301, 200, 200, 200]


def test_what_is_missing_or_private_asks_strangers_for_a_password(small: StandIn, tmp_path: Path) -> None:
    for name in ("missing", "secret"):
        done = git(*CLONE, f"{small.server_url}/acme/{name}.git", str(tmp_path / name))
        assert done.returncode == 128
        assert "could not read Username" in done.stderr
    url = f"{small.server_url}/acme/missing.git/info/refs?service=git-upload-pack"
    assert web.get(url, auth=("x-access-token", "good")).status_code == 404
    assert web.get(url, auth=("x-access-token", "wrong")).status_code == 401


def test_a_token_opens_a_private_repository_only_as_a_password(small: StandIn, tmp_path: Path) -> None:
    url = f"{small.server_url}/acme/secret.git"
    basic = httpx.BasicAuth("x-access-token", "owner")
    header = next(basic.auth_flow(httpx.Request("GET", url))).headers["authorization"]
    assert git(*CLONE, url, str(tmp_path / "one"), **authorization(f"Authorization: {header}")).returncode == 0
    assert git(*CLONE, url, str(tmp_path / "two"), **authorization("Authorization: Bearer owner")).returncode == 128
    assert not any("owner" in str(entry) for entry in small.requests())


def test_nobody_can_push(small: StandIn) -> None:
    url = f"{small.server_url}/acme/tools.git/info/refs?service=git-receive-pack"
    assert web.get(url, auth=("x-access-token", "owner")).status_code == 403


def test_a_server_without_filters_sends_everything_with_a_warning(harbor: StandIn, tmp_path: Path) -> None:
    harbor.fault("filter_unsupported")
    done = git(*CLONE, f"{harbor.server_url}/{OWNER}/pilot-boat.git", str(tmp_path / "copy"))
    assert done.returncode == 0
    assert "filtering not recognized by server" in done.stderr
    assert "tree" in kinds(tmp_path / "copy")


@pytest.mark.parametrize("name", ["pilot-boat", "sextant", "lighthouse"])
def test_a_damaged_pack_is_no_clone(harbor: StandIn, tmp_path: Path, name: str) -> None:
    harbor.fault("corrupt_git", times=3)
    url = f"{harbor.server_url}/{OWNER}/{name}.git"
    assert git(*CLONE, url, str(tmp_path / "damaged")).returncode == 128
    harbor.clear_faults()
    assert git(*CLONE, url, str(tmp_path / "whole")).returncode == 0


def test_git_is_turned_away_in_two_ways(harbor: StandIn, tmp_path: Path) -> None:
    url = f"{harbor.server_url}/{OWNER}/pilot-boat.git"
    harbor.fault("git_too_many_requests", times=1)
    assert "error: 429" in git(*CLONE, url, str(tmp_path / "one")).stderr
    harbor.fault("git_throttled", times=1)
    assert "remote error: GitHub is temporarily limiting" in git(*CLONE, url, str(tmp_path / "two")).stderr
    assert git(*CLONE, url, str(tmp_path / "three")).returncode == 0


def test_a_reload_does_not_wait_for_a_git_that_does_not_answer(small: StandIn, api: httpx.Client) -> None:
    """As on a machine that has no time for it."""
    assert api.get("/repos/acme/tools/commits").status_code == 200
    listing = subprocess.run(["ps", "-ww", "-eo", "pid=,args="], capture_output=True, text=True, check=True).stdout
    readers = [line.split()[0] for line in listing.splitlines() if f"{small.root}/acme/tools.git cat-file" in line]
    assert readers
    for reader in readers:
        os.kill(int(reader), signal.SIGSTOP)
    small.reload()
    assert api.get("/repos/acme/tools/commits").status_code == 200


def test_a_fork_shares_ids_with_its_parent(harbor: StandIn) -> None:
    parent, fork = (
        set(run_git(harbor.root / OWNER / f"{name}.git", "rev-list", "main").split())
        for name in ("rope-walk", "rope-walk-fork")
    )
    assert len(parent & fork) > 200
    assert fork - parent
