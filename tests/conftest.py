"""What holds for all tests."""

from pathlib import Path

import pytest
from histories import MadeHome
from hypothesis import HealthCheck, settings

# How long an example takes says more about the machine than about what is tested.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


@pytest.fixture
def made(tmp_path: Path) -> MadeHome:
    """A home made by hand."""
    return MadeHome(tmp_path / "home")
