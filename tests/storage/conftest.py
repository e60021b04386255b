"""A landing zone of its own for every test."""

from pathlib import Path

import pytest

from git_contrib_assets.storage.home import Home
from git_contrib_assets.storage.landing_zone import LandingZone


@pytest.fixture
def landing(tmp_path: Path) -> LandingZone:
    home = Home(tmp_path / "home")
    home.prepare()
    landing = LandingZone(home)
    landing.prepare()
    return landing
