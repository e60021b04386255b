"""What faults do to answers, seen by a client and by git."""

import time
from email.utils import parsedate_to_datetime
from pathlib import Path

import httpx
import pytest
from stand_in_helpers import ask, clone, git, people, web

from github_stand_in.damage import Packets, corrupted
from github_stand_in.faults import HOSTILE, packet
from github_stand_in.server import StandIn

INFO = "/acme/tools.git/info/refs?service=git-upload-pack"


def took(stand_in: StandIn, url: str) -> float:
    begun = time.monotonic()
    assert web.get(stand_in.server_url + url).status_code == 200
    return time.monotonic() - begun


def test_lines_of_git_are_found_however_they_arrive() -> None:
    """Chunks of HTTP do not follow the lines of git."""
    content = f"{packet('one')}0000{packet('')}0001{packet(chr(2) + 'two')}".encode()
    for size in (1, 3, 7, 100):
        packets = Packets()
        lines = [line for at in range(0, len(content), size) for line in packets.feed(content[at : at + size])]
        assert lines == [b"0007one", b"0000", b"0004", b"0001", b"0008\x02two"]


def test_only_the_pack_is_corrupted() -> None:
    """Lengths and messages stay readable."""
    assert corrupted(b"0008\x02two") == b"0008\x02two"
    damaged = corrupted(b"0008\x01two")
    assert damaged != b"0008\x01two"
    assert damaged[:5] == b"0008\x01"


@pytest.mark.parametrize("url", ["/api/v3/repos/acme/tools", INFO])
def test_an_answer_may_drip_or_begin_late(small: StandIn, url: str) -> None:
    """By REST and by git."""
    length = len(web.get(small.server_url + url).content)
    assert length > 100
    small.fault("drip", delay=0.001, chunk=5)
    assert took(small, url) >= length // 5 * 0.001  # what was sent apart may well arrive together
    small.clear_faults()
    small.fault("slow", delay=0.1)
    assert took(small, url) >= 0.1


def test_graphql_drips_too(small: StandIn) -> None:
    """A byte at a time."""
    small.fault("byte_by_byte", kind="graphql", delay=0.001)
    begun = time.monotonic()
    reply = ask(small, "{viewer{login}}")
    assert time.monotonic() - begun >= len(str(reply)) // 2 * 0.001


def test_what_drips_comes_at_once_when_the_fault_is_cleared(small: StandIn) -> None:
    """So that no test waits for a slow answer to end."""
    small.fault("byte_by_byte", delay=3600.0)
    with web.stream("GET", f"{small.api_url}/repos/acme/tools") as reply:
        parts = reply.iter_raw(1)
        assert next(parts) == b"{"
        small.clear_faults()
        assert len(b"".join(parts)) > 1000


def test_broken_connections(api: httpx.Client, small: StandIn) -> None:
    small.fault("drop", times=1)
    with pytest.raises(httpx.RemoteProtocolError):
        api.get("/orgs/acme/repos")
    small.fault("hang", times=1)
    with pytest.raises(httpx.ReadTimeout):
        api.get("/orgs/acme/repos", timeout=httpx.Timeout(60, read=0.2))
    assert api.get("/orgs/acme/repos").status_code == 200


def test_a_link_is_left_out_and_the_entries_are_not(api: httpx.Client, small: StandIn) -> None:
    """For a listing and for pages of commits."""
    small.fault("no_link", path="/orgs/acme/repos")
    listing = api.get("/orgs/acme/repos?per_page=1")
    assert (len(listing.json()), listing.links) == (1, {})
    assert "next" in api.get("/repos/acme/tools/commits?per_page=1").links
    small.fault("no_link", path="/commits")
    assert api.get("/repos/acme/tools/commits?per_page=1").links == {}


@pytest.mark.parametrize("ahead", [-86_400, 315_360_000])
def test_the_clock_of_github_may_be_wrong(api: httpx.Client, small: StandIn, ahead: int) -> None:
    """`Date` and the reset of the limit move together."""
    before = api.get("/rate_limit").headers
    small.fault("alter", ahead=ahead)
    after = api.get("/rate_limit").headers
    passed = parsedate_to_datetime(after["date"]) - parsedate_to_datetime(before["date"])
    assert abs(passed.total_seconds() - ahead) < 60
    assert int(after["x-ratelimit-reset"]) - int(before["x-ratelimit-reset"]) == ahead
    assert len(after.get_list("date")) == 1


def test_an_id_may_lead_to_another_repository(api: httpx.Client, small: StandIn) -> None:
    """The answer tells another id than the path."""
    right, wrong = (api.get(f"/repos/acme/{name}").json()["id"] for name in ("tools", "empty"))
    small.fault("alter", path=rf"/repositories/{right}$", instead=f"/api/v3/repositories/{wrong}")
    assert api.get(f"/repositories/{right}").json()["id"] == wrong


def test_texts_may_hold_anything(api: httpx.Client, small: StandIn, tmp_path: Path) -> None:
    """Markup, control characters, a megabyte."""
    small.fault("hostile_message", times=1)
    reply = api.get("/repos/acme/tools")
    assert (reply.status_code, reply.json()["message"]) == (403, HOSTILE)
    assert all(part in HOSTILE for part in ("[/red]", "\x1b", "\r", "\n"))
    small.fault("long_message", times=1)
    assert len(api.get("/repos/acme/tools").json()["message"]) == 1_000_000
    small.fault("git_hostile_message")
    done = clone(small, tmp_path / "copy")
    assert "remote error: No[/red] [bold]access" in done.stderr


def test_a_remote_disk_may_be_full(small: StandIn, tmp_path: Path) -> None:
    """At a clone and at a fetch: git shows what the server says, and no pack arrives."""
    assert clone(small, tmp_path / "whole").returncode == 0
    small.push("acme/tools", people("fay"))
    small.fault("git_remote_disk_full")
    fetch = git("--git-dir", str(tmp_path / "whole"), "fetch", "origin", "+refs/heads/main:refs/heads/main")
    for done in (fetch, clone(small, tmp_path / "copy")):
        assert done.returncode != 0
        assert "remote: fatal: sha1 file '<stdout>' write error: No space left on device" in done.stderr
