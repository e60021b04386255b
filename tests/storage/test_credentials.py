"""The file of sign-ins: for its owner alone, whole or not at all, one writer at a time."""

import os
import signal
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest
from pydantic import SecretStr

from git_contrib_assets.errors import StorageError
from git_contrib_assets.logs import redact
from git_contrib_assets.sources.github.sign_in import Grant
from git_contrib_assets.sources.github.user import User
from git_contrib_assets.storage.credentials import Credentials, SignIn
from git_contrib_assets.storage.home import Home

SERVER = "https://github.com"
TOKEN = "gho_of_the_credentials_test"
ANN = User(11, "ann", ("repo", "read:org"), None)
PLANTED = {"token": "gho_planted", "login": "ann", "user_id": 1, "scopes": None, "obtained_at": "2026-01-01T00:00:00Z"}
ROOT = Path(__file__).parents[2]


@pytest.fixture
def credentials(tmp_path: Path) -> Credentials:
    return Credentials(Home(tmp_path / "home"))


def sign_in(token: str = TOKEN, *, seconds: float | None = None) -> SignIn:
    refresh = SecretStr(f"ghr_{token}") if seconds else None
    grant = Grant(SecretStr(token), ("repo",), seconds, refresh, seconds and 10 * seconds)
    return SignIn.of(ANN, grant, "Iv1.client")


def put(credentials: Credentials, one: SignIn, server: str = SERVER) -> None:
    with credentials.changing("a test") as sign_ins:
        sign_ins[server] = one


def test_there_is_none_at_first(credentials: Credentials) -> None:
    assert credentials.sign_in(SERVER) is None
    assert credentials.version() is None
    assert not credentials.home.root.exists()


@pytest.mark.parametrize("seconds", [None, 28_800.0])
def test_what_is_stored_comes_back(credentials: Credentials, seconds: float | None) -> None:
    one = sign_in(seconds=seconds)
    put(credentials, one)
    put(credentials, sign_in("gho_elsewhere"), "https://ghe.test")
    assert credentials.sign_in(SERVER) == one
    assert one.scopes == ("repo", "read:org")  # as GitHub's answer says, not as the grant does
    assert one.expires_at == (one.obtained_at + timedelta(seconds=seconds) if seconds else None)
    assert credentials.sign_in("https://ghe.test").token.get_secret_value() == "gho_elsewhere"
    assert set(orjson.loads(credentials.path.read_bytes())) == {SERVER, "https://ghe.test"}


def test_a_sign_in_does_not_show_its_tokens(credentials: Credentials) -> None:
    one = sign_in("gho_shown_nowhere", seconds=60)
    assert "gho_shown_nowhere" not in f"{one} {one!r} {one.model_dump()}"
    put(credentials, sign_in("a.token.of.no.known.kind", seconds=60))
    credentials.sign_in(SERVER)
    assert redact("a.token.of.no.known.kind ghr_a.token.of.no.known.kind") == "[redacted] [redacted]"


def test_a_renewal_keeps_what_it_does_not_bring(credentials: Credentials) -> None:
    del credentials
    before, now = sign_in(seconds=60), datetime.now(UTC)
    after = before.renewed(Grant(SecretStr("gho_next"), (), 120), now)
    assert after.token.get_secret_value() == "gho_next"
    assert (after.login, after.scopes, after.refresh_token) == (before.login, before.scopes, before.refresh_token)
    assert after.expires_at == now + timedelta(seconds=120)


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
def test_only_its_owner_can_read_it_whatever_the_mask(credentials: Credentials, mask: int) -> None:
    before = os.umask(mask)
    try:
        put(credentials, sign_in())
        put(credentials, sign_in("gho_second"))
    finally:
        os.umask(before)
    assert stat.S_IMODE(credentials.path.stat().st_mode) == 0o600


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o610])
def test_a_file_that_others_can_read_is_refused(credentials: Credentials, mode: int) -> None:
    put(credentials, sign_in())
    credentials.path.chmod(mode)
    with pytest.raises(StorageError, match=r"Others can read .*credentials.*chmod 600"):
        credentials.sign_in(SERVER)
    credentials.path.chmod(0o600)
    assert credentials.sign_in(SERVER) is not None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"https://github.com": {}}',
        b'{"https://github.com": {"token": "gho_planted"}}',
        b'{"https://github.com": "gho_planted"}',
        orjson.dumps({SERVER: {**PLANTED, "user_id": "x"}}),
        orjson.dumps({SERVER: {**PLANTED, "obtained_at": "2026-01-01"}}),
        b"[" * 100_000,
        b"\xff\xfe",
        b" " * (1 << 20) + b"{}",
    ],
    ids=range(12),
)
def test_a_damaged_file_says_what_to_do_and_not_what_is_in_it(credentials: Credentials, content: bytes) -> None:
    put(credentials, sign_in())
    credentials.path.write_bytes(content)
    with pytest.raises(StorageError, match="damaged: delete it, then run git-contrib login") as caught:
        credentials.sign_in(SERVER)
    assert "gho_planted" not in f"{caught.value} {caught.value.__cause__}"
    with pytest.raises(StorageError, match="damaged"):
        put(credentials, sign_in())
    assert credentials.path.read_bytes() == content


def test_a_folder_in_its_place_cannot_be_read(credentials: Credentials) -> None:
    credentials.home.prepare()
    credentials.path.mkdir()
    with pytest.raises(StorageError, match="cannot be read"):
        credentials.sign_in(SERVER)


def test_the_last_sign_out_takes_the_file_with_it(credentials: Credentials) -> None:
    put(credentials, sign_in())
    with credentials.changing("a test") as sign_ins:
        sign_ins.clear()
    assert not credentials.path.exists()


def test_what_fails_changes_nothing(credentials: Credentials) -> None:
    put(credentials, sign_in())
    before = credentials.version()

    def fail() -> None:
        with credentials.changing("a test") as sign_ins:
            sign_ins.clear()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert credentials.version() == before


def test_what_does_not_change_is_not_written(credentials: Credentials) -> None:
    put(credentials, sign_in())
    before = credentials.version()
    with credentials.changing("a test") as sign_ins:
        sign_ins[SERVER] = sign_ins[SERVER].model_copy()
    assert credentials.version() == before


def test_the_version_tells_of_every_change(credentials: Credentials) -> None:
    versions = set()
    for number in range(20):
        put(credentials, sign_in(f"gho_{number:02}"))
        versions.add(credentials.version())
    assert len(versions) == 20


def test_many_who_write_at_once_lose_nothing(credentials: Credentials) -> None:
    credentials.home.prepare()
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda n: put(credentials, sign_in(f"gho_{n}"), f"https://server-{n}.test"), range(16)))
    assert len(orjson.loads(credentials.path.read_bytes())) == 16


WRITER = """
import os, sys
from pathlib import Path
from pydantic import SecretStr
from git_contrib_assets.sources.github.sign_in import Grant
from git_contrib_assets.sources.github.user import User
from git_contrib_assets.storage.credentials import Credentials, SignIn
from git_contrib_assets.storage.home import Home
os.umask(0)
credentials = Credentials(Home(Path(sys.argv[1])))
number = 0
while True:
    number += 1
    one = SignIn.of(User(11, "ann", ("repo",), None), Grant(SecretStr(f"gho_{number:08}" + "x" * 8000), ()), None)
    with credentials.changing("a test") as sign_ins:
        sign_ins["https://github.com"] = one
    print(number, flush=True)
"""


def test_a_writer_that_is_killed_leaves_a_whole_file(credentials: Credentials) -> None:
    """Ten times, at any moment of its work. What it leaves is for its owner's eyes too, and goes with the next change."""
    for round_number in range(10):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(credentials.home.root)], stdout=subprocess.PIPE, text=True, cwd=ROOT
        ) as writer:
            for _ in range(3 + round_number):
                assert writer.stdout.readline()
            writer.send_signal(signal.SIGKILL)
        found = credentials.sign_in(SERVER)
        assert len(found.token.get_secret_value()) == 8012
        for path in credentials.home.root.glob("credentials*"):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
    (credentials.home.root / "credentials.4711.tmp").touch(0o600)
    put(credentials, sign_in())
    assert [path.name for path in credentials.home.root.glob("credentials*")] == ["credentials"]
