"""The key of the published hashes."""

import random
import subprocess
import sys

import pytest

from git_contrib_assets.errors import StorageError
from git_contrib_assets.storage.home import Home
from git_contrib_assets.storage.landing_zone import LandingZone


def again(landing):
    """The landing zone as the next run finds it."""
    landing.prepare()
    return landing


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_the_key_is_made_once_and_is_for_its_owner_alone(landing):
    key = landing.key()
    assert len(key) == 64
    assert again(landing).key() == key
    path = landing.folder / "key"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [name for name in names(landing.folder) if name.startswith("key")] == ["key"]


def test_a_key_that_is_there_is_never_replaced(landing):
    (landing.folder / "key").write_bytes(b"0a" * 32 + b"\n")
    assert landing.key() == b"0a" * 32
    assert again(landing).key() == b"0a" * 32


@pytest.mark.parametrize("content", [b"", b"\n", b"0a" * 31, b"0a" * 33, b"xy" * 32, b"0A" * 32])
def test_a_key_that_is_none_is_refused(landing, content):
    """With an empty or short key the published hashes can be inverted from a list of addresses."""
    (landing.folder / "key").write_bytes(content)
    with pytest.raises(StorageError, match="restore it from a backup"):
        landing.key()
    assert (landing.folder / "key").read_bytes() == content


def test_no_two_homes_have_one_key(landing, tmp_path):
    random.seed(1)
    other = Home(tmp_path / "other")
    other.prepare()
    assert LandingZone(other).key() != landing.key()


def test_processes_that_make_the_key_at_once_agree(tmp_path):
    """Whoever is first, all read the same."""
    home = Home(tmp_path / "home")
    home.prepare()
    code = (
        "import sys; from pathlib import Path\n"
        "from git_contrib_assets.storage.home import Home\n"
        "from git_contrib_assets.storage.landing_zone import LandingZone\n"
        "zone = LandingZone(Home(Path(sys.argv[1])))\n"
        "print('ready', flush=True); sys.stdin.readline(); print(zone.key().decode())\n"
    )
    command = [sys.executable, "-c", code, str(home.root)]
    processes = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(3)]
    for process in processes:
        assert process.stdout.readline() == b"ready\n"
    for process in processes:
        process.stdin.write(b"\n")
        process.stdin.flush()
    keys = {process.communicate()[0] for process in processes}
    assert len(keys) == 1
    assert keys.pop().strip() == LandingZone(home).key()
