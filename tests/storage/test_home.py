"""The home: its folders, its locks between processes, and what the operating system's errors mean."""

import os

import pytest

from git_contrib_assets.errors import HomeNotWritable
from git_contrib_assets.storage.home import Home


@pytest.fixture
def home(tmp_path):
    home = Home(tmp_path / "home")
    home.prepare()
    return home


def test_a_home_is_made_with_all_its_folders(tmp_path):
    home = Home(tmp_path / "some" / "where")
    home.prepare()
    home.prepare()
    for folder in (home.landing, home.git, home.published, home.dagster, home.locks):
        assert folder.is_dir()
        assert folder.parent == home.root
    assert home.root.stat().st_mode & 0o077 == 0


def test_a_home_that_cannot_be_made(tmp_path):
    """Below a file nobody can make a folder, not even root."""
    (tmp_path / "file").write_text("")
    with pytest.raises(HomeNotWritable, match="GIT_CONTRIB_HOME"):
        Home(tmp_path / "file" / "home").prepare()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_home_that_cannot_be_written(home):
    home.locks.chmod(0o500)
    with pytest.raises(HomeNotWritable):
        home.prepare()
