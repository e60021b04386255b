"""What holds for all tests."""

from collections.abc import Iterator
from pathlib import Path

import postgresql_server
import pytest
from histories import MadeHome
from hypothesis import HealthCheck, settings
from postgresql_scene import Database

from git_contrib_assets import logs

# How long an example takes says more about the machine than about what is tested.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


@pytest.fixture(autouse=True)
def _secrets_of_one_test() -> Iterator[None]:
    """A process never forgets a secret: a password made up by one test would be redacted in all that come after it."""
    before = set(logs._secrets)
    yield
    logs._secrets.clear()
    logs._secrets.update(before)


@pytest.fixture
def made(tmp_path: Path) -> MadeHome:
    """A home made by hand."""
    return MadeHome(tmp_path / "home")


@pytest.fixture(scope="session")
def _postgresql() -> Iterator[postgresql_server.Server]:
    """One server for all tests of a process that need one."""
    reason = postgresql_server.why_not()
    if reason:
        pytest.skip(reason)
    with postgresql_server.running() as server:
        yield server


@pytest.fixture
def database(_postgresql: postgresql_server.Server) -> Iterator[Database]:
    """An empty database in PostgreSQL."""
    with _postgresql.database() as name:
        yield Database(_postgresql, name)
