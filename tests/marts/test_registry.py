"""CONTRIBUTING's way to add a table, followed in a copy of the packages: it is built, checked, documented and published."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SELECT = """\
-- one row per year and repository
-- key: repository_id, year
-- reads: marts.monthly_new_contributors
select
    repository_id,
    date_part('year', date)::bigint as year,
    any_value(repository) as note,
    sum(number_of_new_contributors)::bigint as new_contributors
from marts.monthly_new_contributors
group by all
order by repository_id, year
"""
DECLARATION = """
YEARLY = Table(
    name="yearly_new_contributors",
    grain="One row per repository and year",
    key=("repository_id", "year"),
    order=("repository_id", "year"),
    columns=(
        Column("repository_id", "BIGINT", "GitHub's numeric id"),
        Column("year", "BIGINT", "The year"),
        Column("note", "VARCHAR", "A text of which nobody said that it tells of no person"),
        Column("new_contributors", "BIGINT", "People and bots"),
    ),
)

MARTS = (
    Mart(YEARLY, SUBJECT, about="A year may still be running."),"""
PROGRAM = """
import sys
from pathlib import Path
import duckdb
from data_dictionary import text
from histories import MadeHome, commit
from git_contrib_assets.definitions import defs
from git_contrib_assets.serving.contract import PUBLICATIONS

made = MadeHome(Path(sys.argv[1]))
made.repository(commit(), commit("bob@example.com", "2020-07-01"))
with duckdb.connect(str(made.publish().file), read_only=True) as snapshot:
    print(snapshot.execute("select year, new_contributors from yearly_new_contributors order by year").fetchall())
graph = defs.resolve_asset_graph()
(node,) = [node for node in graph.asset_nodes if node.key.path[-1] == "yearly_new_contributors"]
print(sorted(key.to_user_string() for key in node.parent_keys), node.group_name)
print(sorted(key.name for key in graph.asset_check_keys if key.asset_key == node.key))
(snapshot,) = [node for node in graph.asset_nodes if node.key.path == ["serving", "snapshot"]]
print(node.key in snapshot.parent_keys)
print("## yearly_new_contributors" in text())
"""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of what is edited, beside the tests' helpers."""
    for package in ("git_contrib_assets", "api"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    for helper in (ROOT / "tests").glob("*.py"):
        if not helper.name.startswith("test_") and helper.name != "conftest.py":
            shutil.copy(helper, tmp_path)
    return tmp_path


def test_two_files_are_enough(copy: Path) -> None:
    """The select and its declaration: from them follow the asset, its checks, its documentation, its publication."""
    marts = copy / "git_contrib_assets" / "marts"
    (marts / "yearly_new_contributors.sql").write_text(SELECT)
    declarations = marts / "contributors.py"
    declarations.write_text(declarations.read_text().replace("\nMARTS = (", DECLARATION, 1))
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(copy / "home")], cwd=copy, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    years, dependencies, checks, published, documented = done.stdout.splitlines()
    assert years == "[(2020, 2), (2021, 0)]"
    assert dependencies == "['marts/monthly_new_contributors'] contributors/marts"
    assert checks == "['no_email_is_published', 'one_row_per_key']"
    assert (published, documented) == ("True", "True")
