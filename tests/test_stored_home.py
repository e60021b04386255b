"""A home written by an earlier version is read as it is: nothing is crawled again, nothing is set aside.

``stored_home/`` holds two repositories and their snapshot, made by hand by the last version that published in
``published/`` itself. Its people are invented, its key hides nobody. The snapshot is compressed: most of it is empty.
"""

import lzma
import shutil
from datetime import date
from pathlib import Path

import pytest
from histories import DAY, NOW, MadeHome

from git_contrib_assets.landing.crawl import is_unchanged
from git_contrib_assets.records import AttemptState
from git_contrib_assets.serving.contract.contributors import MONTHLY_NEW_CONTRIBUTORS
from git_contrib_assets.serving.read import open_snapshot
from git_contrib_assets.storage.home import Home
from git_contrib_assets.storage.landing_zone import LandingZone

STORED = Path(__file__).with_name("stored_home")
SNAPSHOT = "20210315T120000Z-ae5d53b8"
NEWCOMERS = {
    ("acme/anvil", date(2020, 5, 1)): 1,
    ("acme/anvil", date(2020, 7, 1)): 1,
    ("acme/bolt", date(2020, 12, 1)): 1,
    ("acme/bolt", date(2021, 2, 1)): 1,
}
"""Ann counts once in acme/anvil: both her addresses belong to one account."""


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    """A copy of the stored home, as its version left it."""
    root = tmp_path / "home"
    shutil.copytree(STORED, root, symlinks=True)
    packed = root / "published" / f"{SNAPSHOT}.duckdb.xz"
    packed.with_suffix("").write_bytes(lzma.decompress(packed.read_bytes()))
    packed.unlink()
    return root


def newcomers(home: Home) -> dict[tuple[str, date], int]:
    """What is published: the months that had newcomers."""
    with open_snapshot(home) as snapshot:
        rows = snapshot.rows(MONTHLY_NEW_CONTRIBUTORS)
    counts = {(row["repository"], row["date"]): row["number_of_new_contributors"] for row in rows}
    return {month: number for month, number in counts.items() if number}


def landed_files(root: Path) -> dict[str, bytes]:
    """The histories in ``root`` and the key of its hashes, by name. (Answers are put together into one file.)"""
    files = [*(root / "landing" / "commits").iterdir(), root / "landing" / "key"]
    return {path.name: path.read_bytes() for path in files}


def test_landed_histories_are_read_and_count_as_unchanged(stored: Path) -> None:
    """A repository that was not pushed to since is not fetched again, though the version changed."""
    landing = LandingZone(Home(stored))
    landing.prepare()
    listed = landing.repositories.all()
    assert [repository.repository for repository in listed] == ["acme/anvil", "acme/bolt"]
    for repository, commits in zip(listed, (3, 2), strict=True):
        landed = landing.commits.landed(repository.repository_id)
        assert landed is not None
        assert landed.commits == commits
        assert is_unchanged(repository, landed)


def test_answers_and_attempts_are_read(stored: Path) -> None:
    """What GitHub was asked, it is not asked again."""
    landing = LandingZone(Home(stored))
    landing.prepare()
    answers = landing.accounts.answers().to_pylist()
    assert {one["email"]: one["account_id"] for one in answers} == {
        "ann@example.com": 7,
        "ann@work.example": 7,
        "bob@example.com": None,
    }
    assert [one.state for one in landing.crawl_log.attempts()] == [AttemptState.LANDED] * 2


def test_nothing_is_set_aside_or_written_again(stored: Path) -> None:
    """Reading everything leaves the histories as they were, and the key: contributors keep their ids."""
    landing = LandingZone(Home(stored))
    landing.prepare()
    assert landing.commits.verify() == []
    assert not (stored / "landing" / "set_aside").exists()
    assert landed_files(stored) == landed_files(STORED)


def test_the_old_snapshot_is_read_before_any_run(stored: Path) -> None:
    """After an upgrade people see their numbers at once."""
    assert newcomers(Home(stored)) == NEWCOMERS
    with open_snapshot(Home(stored)) as snapshot:
        assert snapshot.about()["snapshot_id"] == SNAPSHOT


def test_the_next_publication_has_the_same_numbers(stored: Path) -> None:
    """Built from the old landing files, they are those of the old version."""
    made = MadeHome(stored)
    published = made.publish(NOW + DAY)
    assert published.rows["monthly_new_contributors"] == 30
    assert newcomers(made.home) == NEWCOMERS


def test_the_next_publication_moves_the_old_snapshot(stored: Path) -> None:
    """The link in ``published/`` itself still leads to the current snapshot, for whoever opens that."""
    made = MadeHome(stored)
    published = made.publish(NOW + DAY)
    top, folder = stored / "published", stored / "published" / "contributors"
    assert sorted(path.name for path in top.iterdir()) == ["contributors", "current.duckdb"]
    assert (folder / f"{SNAPSHOT}.duckdb").is_file()
    assert (top / "current.duckdb").resolve() == (folder / "current.duckdb").resolve() == published.file
