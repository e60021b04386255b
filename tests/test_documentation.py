"""The papers say what is so: commands, names, links, examples."""

import ast
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

import click
import data_dictionary
import duckdb
import pytest

from api.kit.problems import KINDS
from api.kit.settings import Settings as ApiSettings
from api.main import create_app
from git_contrib_assets import errors
from git_contrib_assets.cli.main import main
from git_contrib_assets.serving.contract import CURRENT_LINK
from git_contrib_assets.serving.contract.contributors import PUBLICATION
from git_contrib_assets.tables import DEFINITION_VERSION

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
FIRST_TEN_MINUTES = (ROOT / "docs" / "first-ten-minutes.md").read_text("utf-8")
ALL_TEXT = "\n".join(page.read_text("utf-8") for page in PAGES)
SET_UP = "python3 -m venv .venv && "
OWN_MACHINE = re.compile(r"(?<![\w.~$}])/(?:home|Users|work)/\w")
LOCKS = ("requirements.txt", "requirements-dev.txt")


def blocks(text: str, language: str) -> list[str]:
    """The fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def tracked() -> list[Path]:
    """Every file that is or will be in the repository."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout.decode().split("\0")
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


# The commands


def set_up_lines() -> list[str]:
    return [line for block in blocks(README, "bash") for line in block.splitlines() if line.startswith(SET_UP)]


def test_readme_has_one_line_for_each_job():
    """The demo, the same on facebook, and the tests; each sets up what it needs."""
    demo, facebook, tests = set_up_lines()
    assert demo.endswith("&& .venv/bin/git-contrib demo --once")
    assert facebook.endswith("&& .venv/bin/git-contrib run facebook")
    assert demo.rpartition(" && ")[0] == facebook.rpartition(" && ")[0]
    assert tests.endswith("&& .venv/bin/python -m pytest -n 6 --dist worksteal")
    for line in (demo, facebook, tests):
        assert "--require-hashes -r requirements" in line
        assert "--no-deps --no-build-isolation" in line


def test_ci_runs_the_line_of_the_readme():
    """Word for word, as its last command, so that its failure is the script's."""
    script = ROOT / ".ci" / "run"
    text = script.read_text("utf-8")
    assert text.splitlines()[-1] == set_up_lines()[-1]
    assert text.startswith("#!/usr/bin/env bash\n")
    assert "\nset -euo pipefail\n" in text
    assert script.stat().st_mode & 0o111 == 0o111
    if bash := shutil.which("bash"):
        subprocess.run([bash, "-n", str(script)], check=True)


def test_docker_installs_what_is_locked():
    """The image holds the locked packages, and the files it copies are not ignored."""
    text = (ROOT / "Dockerfile").read_text("utf-8")
    assert "--require-hashes -r requirements.txt" in text
    assert "--no-deps --no-build-isolation ." in text
    kept = {line.removeprefix("!") for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines()}
    copied = {
        name.removeprefix("./") for line in re.findall(r"^COPY (.+) \S+$", text, re.MULTILINE) for name in line.split()
    }
    assert copied <= kept
    assert all((ROOT / name).exists() for name in copied)


# The names


def commands() -> Iterator[tuple[str, click.Command]]:
    yield "git-contrib", main
    for name, command in main.commands.items():
        yield f"git-contrib {name}", command


@pytest.mark.parametrize(("name", "command"), list(commands()))
def test_commands_and_their_options_are_in_the_readme(name, command):
    """Each option stands in the command's own row, those of the group below it."""
    row = next((line for line in README.splitlines() if line.startswith(f"| `{name}")), "")
    if command is main:
        row = next(line for line in README.splitlines() if line.startswith("Before the command:"))
    assert row, f"no row for {name}"
    for parameter in command.params:
        written = [option for option in parameter.opts if option.startswith("--")] or [parameter.name.upper()]
        if isinstance(parameter, click.Argument):
            written = [(parameter.metavar or parameter.name.upper()).strip("[].")]
        assert any(text in row for text in written), f"{name}: {written} is not in its row"
        if isinstance(parameter.type, click.Choice) and isinstance(parameter, click.Option):
            assert r"\|".join(parameter.type.choices) in row
        if isinstance(parameter, click.Option) and parameter.show_default is True:
            assert str(parameter.default) in row


def test_readme_names_no_command_that_is_not_there():
    """Whatever follows git-contrib in code is a command or an option."""
    for text in re.findall(
        r"(?:`|bin/|^|git-contrib )git-contrib ((?:--home \S+ )?[a-z][a-z-]*)", README, re.MULTILINE
    ):
        assert text.split()[-1] in main.commands, text


def environment_variables() -> set[str]:
    """Names of variables in the code, those of the stand-in left out."""
    found = set()
    for package in ("git_contrib_assets", "api"):
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    found |= set(re.findall(r"^(?:GITHUB|GIT_CONTRIB|DAGSTER)_[A-Z_]*[A-Z]$", node.value))
    return found


def test_environment_variables_are_in_the_settings_table():
    """All of them, and no others."""
    section = README.partition("\n## Settings\n")[2].partition("\n## ")[0]
    documented = set(re.findall(r"^\| `([A-Z_]+)` \|", section, re.MULTILINE))
    assert documented == environment_variables()
    assert {"GITHUB_TOKEN", "GIT_CONTRIB_HOME"} <= documented


def test_routes_are_in_the_readme(tmp_path):
    """Each address of the API, and each of its parameters, stands in the section about it."""
    app = create_app(ApiSettings(published=tmp_path))
    section = README.partition("\n## API\n")[2].partition("\n## ")[0]
    for path, operations in app.openapi()["paths"].items():
        assert f"`{path}`" in section, path
        if path.endswith(".{suffix}"):
            continue
        row = next(line for line in section.splitlines() if f"`{path}`" in line)
        for parameter in operations["get"].get("parameters", []):
            text = f"{{{parameter['name']}}}" if parameter["in"] == "path" else f"`{parameter['name']}`"
            assert text in row, f"{path}: {parameter['name']}"
    known = set(app.openapi()["paths"]) | {"/docs", "/openapi.json"}
    written = set(re.findall(r"`(/[a-z0-9/{}.-]+)`", section)) - {"/v1"}
    assert written <= known
    app.state.store.close()


def test_published_tables_are_in_the_readme():
    """By name; their columns are in the data dictionary."""
    assert {table.name for table in PUBLICATION.all_tables} <= set(re.findall(r"`(\w+)`", README))


def test_data_dictionary_is_up_to_date():
    """Written by ``python tests/data_dictionary.py``."""
    assert data_dictionary.FILE.read_text("utf-8") == data_dictionary.text()


def all_errors(base: type[errors.GitContribError] = errors.GitContribError) -> Iterator[type[errors.GitContribError]]:
    for error in base.__subclasses__():
        if error.__module__ == errors.__name__:
            yield error
            yield from all_errors(error)
    if base is errors.GitContribError:
        yield base


def test_errors_are_documented():
    """Each reason with its class and its exit code, each exit code with its meaning, each kind of the API's problems."""
    page = (ROOT / "docs" / "errors.md").read_text("utf-8")
    documented = re.findall(r"^\| `(\w+)` \| (\w+) \| (\d+) \|", page, re.MULTILINE)
    assert sorted(documented) == sorted((one.reason, one.__name__, str(one.exit_code)) for one in all_errors())
    codes = {0, 130} | {one.exit_code for one in all_errors()}
    for text in (README, page):
        assert {int(code) for code in re.findall(r"^\| (\d+) \|", text, re.MULTILINE)} == codes
    assert {kind.name for kind in KINDS} <= set(re.findall(r"^\| `([a-z-]+)` \| \d", page, re.MULTILINE))


def test_definitions_are_numbered():
    """Each number is there once, and in order; the version is the code's."""
    page = (ROOT / "docs" / "definitions.md").read_text("utf-8")
    numbers = re.findall(r'<a id="(d[\d.]+)"></a>(D[\d.]+)', page)
    assert numbers
    assert all(anchor == number.lower() for anchor, number in numbers)
    order = [tuple(map(int, number[1:].split("."))) for _, number in numbers]
    assert order == sorted(set(order))
    assert re.findall(r"\bversion (\d+)\b", page) == [str(DEFINITION_VERSION)]


def test_asset_keys_are_in_the_architecture():
    """Every asset stands in the table of assets, with the group it is in."""
    from git_contrib_assets.definitions import defs

    page = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    rows = re.findall(r"^\| (`\w+/\w+`.*?) \| (\w+/\w+) \| .+ \| .+ \|$", page, re.MULTILINE)
    documented = {name: group for names, group in rows for name in re.findall(r"`(\w+/\w+)`", names)}
    nodes = [node for node in defs.resolve_asset_graph().asset_nodes if node.is_materializable]
    assert documented == {node.key.to_user_string(): node.group_name for node in nodes}


def test_the_footer_of_a_commit_file_is_in_the_architecture():
    """The columns of the landing files are in the data dictionary, which is generated; the footer is described by hand."""
    from git_contrib_assets.storage.landed.commits import LandedHistory

    page = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    for field in LandedHistory.__dataclass_fields__:
        assert f"`{field}`" in page, field


# The links and the examples


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_relative_links_lead_somewhere(page):
    """To a file that is there, and to a heading or an anchor in it."""
    text = re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), link
        assert target.is_relative_to(ROOT), link
        if anchor:
            assert anchor in anchors(target.read_text("utf-8")), link


def anchors(text: str) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    made = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    return made | set(re.findall(r'<a id="([^"]+)"', text))


@pytest.fixture
def small_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with data/demo/published/current.duckdb, as the demo leaves it, and three months of one repository."""
    folder = tmp_path / "data" / "demo" / "published"
    folder.mkdir(parents=True)
    with duckdb.connect(str(folder / "small.duckdb")) as connection:
        for table in PUBLICATION.all_tables:
            columns = ", ".join(f"{column.name} {column.type}" for column in table.columns)
            connection.execute(f"create table {table.name} ({columns})")
        months = [(date(2019, 12, 1), 2, 1, 2), (date(2020, 1, 1), 0, 0, 2), (date(2020, 2, 1), 5, 0, 7)]
        for month, people, bots, total in months:
            row = [1, "acme/anvil", month, people, bots, total, False]
            connection.execute("insert into monthly_new_contributors values (?, ?, ?, ?, ?, ?, ?)", row)
        now = datetime(2020, 2, 10)  # noqa: DTZ001 - the published times are UTC without saying so
        row = ["small", now, now, now, date(2020, 1, 31), "account", 7, 0, 1, 1, "f"]
        connection.execute("insert into snapshot values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
    (folder / CURRENT_LINK).symlink_to("small.duckdb")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_sql_examples_run(small_home):
    """On the current snapshot, as anyone would."""
    examples = blocks(ALL_TEXT, "sql")
    assert examples
    with duckdb.connect(str(small_home / "data" / "demo" / "published" / CURRENT_LINK), read_only=True) as connection:
        assert connection.execute(examples[0]).fetchall() == [(2020, 5), (2019, 1)]
        for example in examples[1:]:
            connection.execute(example)


def test_python_examples_run(small_home):
    """Each prints rows of the small snapshot."""
    examples = blocks(ALL_TEXT.replace(FIRST_TEN_MINUTES, ""), "python")  # those are followed end to end
    assert examples
    for example in examples:
        done = subprocess.run(
            [sys.executable, "-c", example], cwd=small_home, capture_output=True, text=True, check=True
        )
        assert "acme/anvil" in done.stdout
        assert "2020-02-01" in done.stdout


# The files


def test_no_file_names_a_machine():
    """No path of a developer's own machine; what others wrote is left alone."""
    for path in tracked():
        if "vendor" in path.parts or path.suffix in {".parquet", ".png", ".gz"}:
            continue
        found = OWN_MACHINE.search(path.read_text("utf-8", "replace"))
        assert not found, f"{path.relative_to(ROOT)}: {found}"


@pytest.mark.parametrize("name", LOCKS)
def test_locks_name_no_index(name):
    """Every requirement has its version and its hashes, and comes from wherever pip is told to look."""
    text = (ROOT / name).read_text("utf-8")
    assert "://" not in text
    assert not re.search(r"--(?!hash=)", re.sub(r"^#.*$", "", text, flags=re.MULTILINE))
    requirements = re.findall(r"^[a-z].*(?:\n .*--hash.*)*", text, re.MULTILINE)
    assert len(requirements) > 50
    for requirement in requirements:
        assert re.match(r"[a-z0-9._-]+(?:\[[a-z,-]+\])?==\S+", requirement), requirement
        assert "--hash=sha256:" in requirement


def test_the_second_lock_holds_the_first():
    """The tools come on top: what runs in production is what is tested."""
    runtime, development = (
        {*re.findall(r"^(\S+==\S+)", (ROOT / name).read_text("utf-8"), re.MULTILINE)} for name in LOCKS
    )
    assert runtime < development
    assert any(one.startswith("hatchling==") for one in runtime)
