"""A home, a git server, and a crawl between them, for each test that asks for one."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from crawl_scene import CrawlScene
from git_server import serving


@pytest.fixture
def crawling(tmp_path: Path) -> Iterator[CrawlScene]:
    with serving(tmp_path / "upstream") as server:
        yield CrawlScene(tmp_path, server)
