"""The code server, on a history that it can use or cannot."""

import os
import subprocess
import sys
from pathlib import Path


def start(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "git_contrib_assets.runtime.code_server", *arguments],
        env={**os.environ, "GIT_CONTRIB_HOME": str(home), "DAGSTER_HOME": str(home / "dagster")},
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_is_dagsters_command_line(tmp_path: Path) -> None:
    """On a home whose history is ready then."""
    (tmp_path / "dagster").mkdir()
    done = start(tmp_path, "--version")
    assert "dagster, version 1." in done.stdout, done.stderr
    assert list((tmp_path / "dagster" / "history").glob("*.db"))


def test_a_history_that_cannot_be_used_is_told_in_one_line(tmp_path: Path) -> None:
    """The supervisor shows the end of the log: there must not be a traceback in it."""
    (tmp_path / "dagster").mkdir()
    (tmp_path / "dagster" / "dagster.yaml").write_text("no such key: 1")
    done = start(tmp_path, "--version")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"git-contrib: Dagster does not take {tmp_path}/dagster/dagster.yaml: ")
