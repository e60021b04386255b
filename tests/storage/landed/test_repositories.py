"""Landed repositories."""

import pyarrow as pa
import pytest
from crawl_scene import LISTED_AT, listed

from git_contrib_assets.errors import LandingFileCorrupt
from git_contrib_assets.storage.home import Home
from git_contrib_assets.storage.landing_zone import LandingZone


def again(landing):
    """The landing zone as the next run finds it."""
    landing.prepare()
    return landing


def test_repositories_come_back_as_they_were_written(landing):
    plain = listed(2, "acme/bolt", created_at=None, pushed_at=None, default_branch=None, stars=None, language=None)
    gone = listed(
        1, "acme/ünïcode", missing_since=LISTED_AT, missing_reason="not_found", is_fork=True, is_archived=True
    )
    landing.repositories.write([plain, gone])
    assert landing.repositories.all() == [gone, plain]


def test_before_the_first_listing_there_is_none(tmp_path):
    home = Home(tmp_path / "home")
    home.prepare()
    assert LandingZone(home).repositories.all() == []


def test_a_listing_that_cannot_be_written_keeps_the_old_one(landing):
    landing.repositories.write([listed(1, "acme/anvil")])
    with pytest.raises(pa.ArrowInvalid):
        landing.repositories.write([listed(2, "acme/bolt"), listed(3, "acme/crate", is_fork=object())])
    assert [one.repository_id for one in landing.repositories.all()] == [1]
    assert not list(landing.folder.glob("*.tmp"))


@pytest.mark.parametrize("content", [b"", b"garbage", b"PAR1xxxxPAR1"])
def test_a_damaged_listing_is_set_aside_and_the_next_run_begins_anew(landing, content):
    landing.repositories.file.write_bytes(content)
    with pytest.raises(LandingFileCorrupt) as caught:
        landing.repositories.all()
    assert caught.value.path == landing.repositories.file
    assert "run again" in str(caught.value)
    assert (landing.folder / "set_aside" / "repositories.parquet").read_bytes() == content
    assert again(landing).repositories.all() == []
