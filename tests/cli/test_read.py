"""The commands that read a snapshot: what they print, and what they say when they cannot."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from histories import MadeHome, at, commit

from api.kit.settings import Settings as ApiSettings
from git_contrib_assets.cli.main import main

FULL = Path("/dev/full")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A name of three repositories, two of them gone, one of those written otherwise; and one that was never read."""
    made = MadeHome(tmp_path_factory.mktemp("commands") / "home")
    made.repository(commit(when="2020-11-01"), name="acme/gone", missing_since=at("2021-01-01"))
    made.repository(
        commit("y@example.com", "2021-02-01"),
        commit("z@example.com", "2021-02-02"),
        repository_id=2,
        name="acme/gone",
        created="2021-02-01",
    )
    made.repository(repository_id=3, name="acme/new", never_read=True)
    made.repository(
        commit("x@example.com", "2020-12-01"), repository_id=4, name="acme/Gone", missing_since=at("2021-02-01")
    )
    made.publish()
    return made.home.root


def command(home: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "git_contrib_assets", "--home", str(home), *arguments]


def run(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(home, *arguments), capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", ["gone", "acme/gone", "ACME/Gone"])
def test_show_a_name_that_a_vanished_repository_had_too(home: Path, name: str) -> None:
    lines = run(home, "show", name, "--format", "csv").stdout.splitlines()
    assert [line.split(",")[:4] for line in lines[1:]] == [
        ["2", "acme/gone", "2021-02-01", "2"],
        ["2", "acme/gone", "2021-03-01", "0"],
    ]
    table = run(home, "show", name).stdout
    assert "2021-02" in table
    assert "2020" not in table


def test_show_a_repository_without_months(home: Path) -> None:
    assert run(home, "show", "new").stdout == "acme/new has no months: it is pending (it was never read)\n"
    assert len(run(home, "show", "new", "--format", "csv").stdout.splitlines()) == 1
    assert run(home, "show", "new", "--format", "json").stdout == "[]\n"


@pytest.mark.skipif(not FULL.exists(), reason="there is no device that is always full")
@pytest.mark.parametrize(
    "arguments",
    [
        ["show", "gone"],
        ["show", "new"],
        ["show", "gone", "--format", "csv"],
        ["show", "gone", "--format", "json"],
        ["export", "repositories"],
        ["export", "repositories", "--format", "ndjson"],
        ["export", "repositories", "--format", "parquet"],
        ["status"],
    ],
    ids=" ".join,
)
def test_a_full_device_is_told_in_one_line(home: Path, arguments: list[str]) -> None:
    with FULL.open("wb") as full:
        done = subprocess.run(command(home, *arguments), stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.stderr == "git-contrib: The output cannot be written: No space left on device\n"
    assert done.returncode == 1


def test_a_file_that_cannot_be_written_is_named(home: Path, tmp_path: Path) -> None:
    output = tmp_path / "nowhere" / "months.csv"
    done = run(home, "export", "monthly_new_contributors", "-o", str(output))
    assert done.returncode == 1
    assert done.stderr == (
        f"git-contrib: {output} cannot be written (No such file or directory): name a file that can, with -o\n"
    )
    good = tmp_path / "months.csv"
    assert run(home, "export", "monthly_new_contributors", "-o", str(good)).returncode == 0
    assert good.read_text("utf-8") == run(home, "export", "monthly_new_contributors").stdout
    assert [path.name for path in tmp_path.iterdir()] == ["months.csv"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serve_names_the_page_too_and_ends_well_while_it_starts(home: Path, number: signal.Signals) -> None:
    with subprocess.Popen(command(home, "serve", "--port", "0"), stderr=subprocess.PIPE, text=True) as serving:
        assert serving.stderr
        api, page = serving.stderr.readline(), serving.stderr.readline()
        serving.send_signal(number)  # it has told where it will be, and still starts
    assert serving.returncode == 0
    address = api.removeprefix("API on ").partition("/docs")[0]
    assert address.startswith("http://127.0.0.1:")
    assert page == f"Page on {address}/\n"


def test_a_table_on_a_terminal_that_has_no_bars(home: Path) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "latin-1"}
    done = subprocess.run(command(home, "show", "gone"), env=environment, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"2021-02" in done.stdout


def test_a_link_or_a_pipe_is_written_to_and_not_replaced(home: Path, tmp_path: Path) -> None:
    expected = run(home, "export", "repositories").stdout
    (tmp_path / "link").symlink_to(tmp_path / "target.csv")
    os.mkfifo(tmp_path / "pipe")
    assert run(home, "export", "repositories", "-o", str(tmp_path / "link")).returncode == 0
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target.csv").read_text() == expected
    with subprocess.Popen(command(home, "export", "repositories", "-o", str(tmp_path / "pipe"))) as process:
        read = subprocess.run(["cat", str(tmp_path / "pipe")], capture_output=True, text=True, check=True, timeout=240)
        assert read.stdout == expected
    assert process.returncode == 0
    assert (tmp_path / "pipe").is_fifo()


def test_serve_links_to_the_server_beside_the_api(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As with an Enterprise Server, of which only the API's address was told."""
    told = {}
    monkeypatch.setattr(
        "uvicorn.run", lambda *_, **__: told.update(server_url=ApiSettings.from_environment().server_url)
    )
    monkeypatch.setattr("signal.signal", lambda *_: None)  # those of the tests' own process stay
    monkeypatch.setenv("GITHUB_API_URL", "https://ghe.test/api/v3")
    monkeypatch.delenv("GITHUB_SERVER_URL", raising=False)
    answer = CliRunner().invoke(main, ["--home", str(home), "serve", "--port", "0"])
    assert answer.exit_code == 0, answer.output
    assert told["server_url"] == "https://ghe.test"
