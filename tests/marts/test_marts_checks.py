"""The checks on the marts: silent on good tables, loud on each kind of damage, and blocking."""

from collections.abc import Iterator

import duckdb
import pytest
from histories import MadeHome, commit

from git_contrib_assets.marts import checks
from git_contrib_assets.serving.contract import (
    CONTRIBUTORS,
    FIRST_COMMITS,
    MONTHLY_NEW_CONTRIBUTORS,
    REPOSITORIES,
    Table,
)
from git_contrib_assets.storage.warehouse import read_violations

SELECTS = ("no_month_is_missing", "newcomers_add_up_to_people", "no_email_is_published", "every_commit_is_counted")
KEYED = (MONTHLY_NEW_CONTRIBUTORS, FIRST_COMMITS, CONTRIBUTORS, REPOSITORIES)


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """Good tables of three repositories."""
    made = MadeHome(tmp_path_factory.mktemp("checked") / "home")
    made.repository(commit(), commit("bob@example.com", "2020-07-01"), commit("bob@example.com", "2020-08-01"))
    made.repository(commit(), commit("1+x[bot]@users.noreply.github.com"), repository_id=2)
    made.repository(repository_id=3)
    made.build()
    with made.warehouse() as connection:
        yield connection


@pytest.fixture
def tables(good: duckdb.DuckDBPyConnection) -> Iterator[duckdb.DuckDBPyConnection]:
    """Tables to be damaged: whatever is done to them is undone."""
    good.execute("begin")
    yield good
    good.execute("rollback")


def loud(tables: duckdb.DuckDBPyConnection) -> set[str]:
    """The checks that fail."""
    keys = {f"one_row_per_key:{table.name}" for table in KEYED if checks.one_row_per_key(tables, table)}
    return keys | {name for name in SELECTS if read_violations(tables, name)}


def test_good_tables_pass_every_check(tables: duckdb.DuckDBPyConnection) -> None:
    assert loud(tables) == set()


DAMAGE = {
    "no_month_is_missing": [
        "delete from months where date = '2020-10-01' and repository_id = 1",
        "delete from months where date = '2020-01-01'",
        "delete from months where date = '2021-03-01'",
        "delete from months where repository_id = 3",
        "insert into months select * replace ('2021-04-01' as date) from months where date = '2021-03-01'",
    ],
    "newcomers_add_up_to_people": [
        "delete from months where date = '2020-07-01'",
        "update months set number_of_new_contributors = 2 where date = '2020-07-01' and repository_id = 1",
        "update months set cumulative_contributors = 9 where date = '2021-03-01' and repository_id = 1",
        "update months set number_of_new_bots = 3 where date = '2020-05-01'",
        "delete from marts.first_commits where repository_id = 2 and is_bot",
    ],
    "no_email_is_published": [
        "update marts.contributors set name = 'ann@example.com' where repositories = 2",
        "update marts.contributors set login = 'ann@example.com' where repositories = 2",
        "update marts.contributors set contributor_id = 'email:ann@example.com' where repositories = 2",
        "update marts.first_commits set login = 'ann@example.com' where repository_id = 1",
    ],
    "every_commit_is_counted": [
        "update typed.authors set commits = commits + 1 where repository_id = 1",
        "delete from typed.authors where repository_id = 2",
        "update typed.repositories set commits = 5 where repository_id = 3",
    ],
}


@pytest.mark.parametrize(
    ("expected", "damage"), [(expected, damage) for expected, damages in DAMAGE.items() for damage in damages]
)
def test_damage_is_found(tables: duckdb.DuckDBPyConnection, expected: str, damage: str) -> None:
    tables.execute(damage.replace("months", "marts.monthly_new_contributors"))
    assert expected in loud(tables)


@pytest.mark.parametrize("table", KEYED, ids=lambda table: table.name)
def test_a_key_that_is_there_twice_is_found(tables: duckdb.DuckDBPyConnection, table: Table) -> None:
    tables.execute(f"insert into marts.{table.name} select * from marts.{table.name} limit 1")  # noqa: S608
    assert len(checks.one_row_per_key(tables, table)) == 1


@pytest.mark.parametrize("table", KEYED, ids=lambda table: table.name)
def test_a_key_that_is_null_is_found(tables: duckdb.DuckDBPyConnection, table: Table) -> None:
    row = f"(select min(rowid) from marts.{table.name})"  # noqa: S608
    tables.execute(f"update marts.{table.name} set {table.key[-1]} = null where rowid = {row}")  # noqa: S608
    assert len(checks.one_row_per_key(tables, table)) == 1


def test_every_check_of_a_mart_blocks_and_all_are_there() -> None:
    made = {
        checks.check_monthly_new_contributors: {"one_row_per_key", *SELECTS},
        checks.check_first_commits: {"one_row_per_key"},
        checks.check_contributors: {"one_row_per_key"},
        checks.check_repositories: {"one_row_per_key"},
    }
    for definition, names in made.items():
        specs = list(definition.check_specs)
        assert {spec.name for spec in specs} == names
        assert all(spec.blocking for spec in specs)
