"""The wheel works where no checkout is: built, installed into a folder of its own, run in another."""

import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from email.parser import Parser
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("git_contrib_assets", "api", "github_stand_in")
DATA = {".sql", ".yaml", ".typed", ".js", ".css", ".html", ".png", ".svg", ".txt"}
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built by the locked tool that is here: nothing is downloaded."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder the wheel is installed into, without what it depends on."""
    folder = tmp_path_factory.mktemp("installed")
    pip = [sys.executable, "-m", "pip", "--isolated", "--disable-pip-version-check", "install", "--quiet"]
    subprocess.run([*pip, "--no-deps", "--no-index", "--target", str(folder), str(wheel)], check=True)
    return folder


@pytest.fixture
def run(installed: Path, tmp_path: Path) -> Run:
    """Runs a program of the wheel in an empty folder. The dependencies are those of this environment."""

    def start(*command: str) -> subprocess.CompletedProcess[str]:
        ours = ("GIT_CONTRIB_", "GITHUB_", "DAGSTER_", "PYTHON")
        environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        environment["PYTHONPATH"] = str(installed)
        return subprocess.run(
            [sys.executable, *command], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=600
        )

    return start


def test_it_holds_every_file_of_the_packages(wheel):
    """Modules, selects, Dagster's settings, the pages' files, the markers of types; and nothing else."""
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    expected = {
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert held == expected
    assert {"git_contrib_assets/py.typed", "api/py.typed", "git_contrib_assets/dagster.yaml"} <= held
    assert {Path(name).suffix for name in held} >= DATA


def test_it_says_what_it_is(wheel):
    """Name, licence, the Python it needs, and what it depends on: no tools."""
    with zipfile.ZipFile(wheel) as archive:
        (metadata,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        about = Parser().parsestr(archive.read(metadata).decode())
        assert any(name.endswith("/licenses/LICENSE") for name in archive.namelist())
    assert about["Name"] == "git-contrib"
    assert about["License-Expression"] == "MIT"
    assert about["Requires-Python"] == ">=3.11"
    assert not [one for one in about.get_all("Requires-Dist") if one.startswith(("pytest", "ruff", "mypy"))]
    assert about.get_payload().startswith("# git-contrib")


def test_it_is_what_runs(run, installed):
    """The modules come from the installed folder, not from the checkout."""
    code = "import git_contrib_assets, api; print(git_contrib_assets.__file__); print(api.__file__)"
    files = [Path(line) for line in run("-c", code).stdout.splitlines()]
    assert [path.parent.parent for path in files] == [installed, installed]


def test_help(run, installed):
    """The command is there, and names its commands."""
    done = run(str(installed / "bin" / "git-contrib"), "--help")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    for name in ("run", "status", "show", "export", "up", "serve", "demo"):
        assert f"\n  {name} " in done.stdout


def test_version(run, installed):
    """That of the package."""
    done = run(str(installed / "bin" / "git-contrib"), "--version")
    assert version("git-contrib") in done.stdout


def test_status_of_nothing(run, installed, tmp_path):
    """One line that says what to do, exit 1, and nothing written."""
    done = run(str(installed / "bin" / "git-contrib"), "status")
    assert done.returncode == 1
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("git-contrib: ")
    assert "git-contrib run" in line
    assert list(tmp_path.iterdir()) == []


def test_the_asset_graph_loads(run):
    """With its selects, which are files of the package."""
    code = "from git_contrib_assets.definitions import defs; print(len(list(defs.resolve_asset_graph().asset_nodes)))"
    done = run("-c", code)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 10


def test_the_api_serves_its_pages(run):
    """The documentation and what it needs, from files of the package; without a snapshot it says so."""
    code = """
import asyncio, httpx
from api.main import app
async def main():
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        for path in (
            "/docs",
            "/static/vendor/swagger-ui/swagger-ui-bundle.js",
            "/static/page.js",
            "/static/vendor/plot/plot.umd.min.js",
            "/openapi.json",
            "/healthz",
            "/readyz",
            "/",
        ):
            print(path, (await client.get(path)).status_code)
asyncio.run(main())
"""
    done = run("-c", code)
    assert done.returncode == 0, done.stderr
    assert [line.rpartition(" ")[2] for line in done.stdout.splitlines()] == [*["200"] * 6, "503", "503"]
