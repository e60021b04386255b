"""The command that copies to PostgreSQL: what it prints, and how it ends."""

import os
import subprocess
import sys
from pathlib import Path

import postgresql_server
import pytest
from histories import MadeHome, commit
from postgresql_scene import Database


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One repository of two people, published."""
    made = MadeHome(tmp_path_factory.mktemp("copied") / "home")
    made.repository(commit(), commit("bob@example.com"))
    made.publish()
    return made.home.root


def run(
    home: Path, *arguments: str, options: tuple[str, ...] = (), **variables: str
) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_CONTRIB_", "PG"))}
    command = [sys.executable, "-m", "git_contrib_assets", "--home", str(home), *options, "copy-to", *arguments]
    return subprocess.run(command, env={**kept, **variables}, capture_output=True, text=True, check=False)


def test_it_says_what_it_changed(home: Path, database: Database) -> None:
    done = run(home, GIT_CONTRIB_POSTGRES_URL=database.url)
    assert (done.returncode, done.stdout) == (0, "")
    head, *tables = done.stderr.splitlines()
    assert f"copied to PostgreSQL at {database.place} in " in head
    assert {line.split()[0]: line.split()[1:] for line in tables}["contributors"] == [
        *("2", "inserted", "0", "updated", "0", "deleted")
    ]
    again = run(home, database.url_without_password, PGPASSWORD=postgresql_server.PASSWORD)
    assert again.returncode == 0
    assert again.stderr.startswith(f"PostgreSQL at {database.place} holds snapshot ")
    assert again.stderr.count("\n") == 1
    quiet = run(home, options=("--quiet",), GIT_CONTRIB_POSTGRES_URL=database.url)
    assert (quiet.returncode, quiet.stderr) == (0, "")


def test_a_password_file_is_used(home: Path, database: Database, tmp_path: Path) -> None:
    file = tmp_path / "pgpass"
    password = postgresql_server.PASSWORD.replace("\\", r"\\").replace(":", r"\:")
    file.write_text(f"127.0.0.1:{database.server.port}:*:*:{password}\n")
    file.chmod(0o600)
    assert run(home, database.url_without_password, PGPASSFILE=str(file)).returncode == 0


@pytest.mark.parametrize(
    ("arguments", "variables", "code", "said"),
    [
        ((), {}, 2, "set GIT_CONTRIB_POSTGRES_URL"),
        (("postgresql://ann:open-sesame@127.0.0.1:1/a",), {}, 2, "give it in GIT_CONTRIB_POSTGRES_URL"),
        ((), {"GIT_CONTRIB_POSTGRES_URL": "ann:open-sesame"}, 2, "GIT_CONTRIB_POSTGRES_URL is no URL"),
        ((), {"GIT_CONTRIB_POSTGRES_URL": "postgresql://ann:open-sesame@127.0.0.1:1/a"}, 1, "cannot be reached"),
    ],
)
def test_a_failure_is_one_line_without_a_password(
    home: Path, arguments: tuple[str, ...], variables: dict[str, str], code: int, said: str
) -> None:
    done = run(home, *arguments, options=("-vv",), **variables)
    (line,) = done.stderr.splitlines()
    assert line.startswith("git-contrib: ")
    assert said in line
    assert "sesame" not in line
    assert (done.returncode, done.stdout) == (code, "")


def test_a_wrong_password_ends_with_5(home: Path, database: Database) -> None:
    done = run(home, database.url_without_password, PGPASSWORD="open-sesame")
    assert done.returncode == 5
    assert "sesame" not in done.stderr
    assert done.stderr.count("\n") == 1


def test_nothing_published(tmp_path: Path) -> None:
    done = run(tmp_path / "empty", "postgresql://127.0.0.1:1/a")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "run `git-contrib run` first" in done.stderr
    assert not (tmp_path / "empty").exists()
