"""The git source before a git server, and a git that misbehaves."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from crawl_scene import history_source
from git_server import GitServer

from git_contrib_assets.sources.histories.git import GitHistory


@pytest.fixture
def source(server: GitServer, tmp_path: Path) -> GitHistory:
    (tmp_path / "git").mkdir()
    return history_source(server, tmp_path / "git")


@pytest.fixture
def git_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Puts a git before git that does something of its own for some commands."""
    real, folder = shutil.which("git"), tmp_path / "bin"
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    def does(command: str, instead: str) -> None:
        folder.mkdir()
        script = folder / "git"
        script.write_text(f'#!/bin/sh\ncase "$*" in {command}) {instead};; esac\nexec {real} "$@"\n')
        script.chmod(0o755)

    return does
