"""Everything in the landing zone beside commits: repositories, answers, the ledger, the key, what was rejected."""

from datetime import datetime, timedelta

import pyarrow.parquet as pq
import pytest
from crawl_scene import listed

from git_contrib_assets.errors import HomeNotWritable
from git_contrib_assets.records import AccountAnswer
from git_contrib_assets.storage.home import Home
from git_contrib_assets.storage.landing_zone import LandingZone

NOON = datetime.fromisoformat("2023-11-14T12:00:00")


def again(landing):
    """The landing zone as the next run finds it."""
    landing.prepare()
    return landing


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def answer(email, account_id=None, *, days=0, login=None):
    return AccountAnswer(email, account_id, login, NOON + timedelta(days=days), "graphql")


def known(landing):
    return {row["email"]: row["account_id"] for row in landing.accounts.answers().to_pylist()}


def test_a_kill_while_writing_leaves_nothing_that_counts(landing):
    landing.accounts.add([answer("ann@x", 1)])
    (landing.accounts.folder / "99999999999999999999.parquet.77.tmp").write_bytes(b"half")
    assert known(again(landing)) == {"ann@x": 1}
    assert not list(landing.accounts.folder.glob("*.tmp"))


def test_preparing_again_changes_nothing(landing):
    landing.repositories.write([listed(1, "acme/anvil")])
    landing.accounts.add([answer("ann@x", 1)])
    again(landing)
    files = {path: path.read_bytes() for path in landing.folder.rglob("*") if path.is_file()}
    again(landing)
    assert {path: path.read_bytes() for path in landing.folder.rglob("*") if path.is_file()} == files


def test_a_fresh_landing_zone_can_be_read_by_the_tables(landing):
    """Every file that they read is there from the first day, with its columns."""
    assert pq.read_table(landing.commits.folder / "0.parquet").num_rows == 0
    assert landing.accounts.answers().num_rows == 0
    assert landing.crawl_log.attempts() == []
    assert len(names(landing.accounts.folder)) == 1


def test_a_landing_folder_that_cannot_be_had(tmp_path):
    (tmp_path / "landing").write_text("a file")
    with pytest.raises(HomeNotWritable):
        LandingZone(Home(tmp_path)).prepare()
