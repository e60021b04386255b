"""A git server for each test that asks for one."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from git_server import GitServer, serving


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitServer]:
    with serving(tmp_path / "upstream") as running:
        yield running
