"""A home made by hand, for every test of this folder."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

from histories import MadeHome


@pytest.fixture
def made(tmp_path: Path) -> MadeHome:
    """A home of its own."""
    return MadeHome(tmp_path / "home")
