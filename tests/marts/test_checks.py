"""The checks on the marts: silent on good tables, loud on each kind of damage; blocking where a table would be wrong."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import dagster as dg
import duckdb
import pytest
from histories import NOW, Commit, MadeHome, commit

from git_contrib_assets.marts import checks
from git_contrib_assets.marts.contributors import MARTS, OLD_MONTHS
from git_contrib_assets.marts.mart import Mart
from git_contrib_assets.serving.contract.contributors import CONTRIBUTORS, MONTHLY_NEW_CONTRIBUTORS
from git_contrib_assets.storage.warehouse import read_named, read_violations
from git_contrib_assets.tables import Table

KEYED = [mart.table for mart in MARTS]
SELECTS = [rule.name for mart in MARTS for rule in mart.rules if rule is not OLD_MONTHS]
AS_OF = {"as_of": NOW}


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
    keys = {f"one_row_per_key:{table.name}" for table in KEYED if checks.one_row_per_key(tables, table).rows}
    emails = (
        {"no_email_is_published"} if any(checks.no_email_is_published(tables, one).rows for one in KEYED) else set()
    )
    return keys | emails | {name for name in SELECTS if read_violations(tables, name, AS_OF)[1]}


def test_good_tables_pass_every_check(tables: duckdb.DuckDBPyConnection) -> None:
    assert loud(tables) == set()


CROWD = (
    "insert into marts.contributors select * exclude (range) replace ({}, 'x' || range as contributor_id) "
    "from (from marts.contributors limit 1), range(30)"
)
IDENTITY_EMAIL = "'email' as identity"
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
    "first_commit_is_the_earliest": [
        "update marts.first_commits set first_commit_at = first_commit_at + interval 1 hour where repository_id = 1",
        "update marts.first_commits set first_commit_at = first_commit_at - interval 1 hour where repository_id = 1",
        "update marts.first_commits set first_commit_sha = 'f' where repository_id = 2",
        "delete from marts.first_commits where repository_id = 2",
        "update typed.authors set first_commit_at = '2001-01-01' where repository_id = 2",
    ],
    "account_answers_are_fresh": [
        "update typed.authors set asked_at = '2021-02-12' where repository_id = 1 and is_askable",
    ],
    "few_contributors_are_bots": [CROWD.format("true as is_bot")],
    "most_contributors_have_an_account": [
        f"update typed.authors set asked_at = '2021-03-10'; {CROWD.format(IDENTITY_EMAIL)}",  # noqa: S608
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
    assert len(checks.one_row_per_key(tables, table).rows) == 1


@pytest.mark.parametrize("table", KEYED, ids=lambda table: table.name)
def test_a_key_that_is_null_is_found(tables: duckdb.DuckDBPyConnection, table: Table) -> None:
    row = f"(select min(rowid) from marts.{table.name})"  # noqa: S608
    tables.execute(f"update marts.{table.name} set {table.key[-1]} = null where rowid = {row}")  # noqa: S608
    assert len(checks.one_row_per_key(tables, table).rows) == 1


def test_a_crowd_without_accounts_is_no_news_where_nobody_was_asked(tables: duckdb.DuckDBPyConnection) -> None:
    tables.execute(CROWD.format(IDENTITY_EMAIL))
    assert read_violations(tables, "most_contributors_have_an_account", AS_OF)[1] == []


def test_what_would_publish_a_wrong_table_blocks_and_the_rest_warns() -> None:
    warn = {
        "most_contributors_have_an_account",
        "few_contributors_are_bots",
        "account_answers_are_fresh",
        OLD_MONTHS.name,
    }
    ours = {table.name for table in KEYED}
    specs = [spec for one in checks.MART_CHECKS for spec in one.check_specs if spec.asset_key.path[-1] in ours]
    about_people = [table for table in KEYED if table.is_personal]
    assert {spec.asset_key.path[-1] for spec in specs if spec.name == "no_email_is_published"} == {
        table.name for table in about_people
    }
    assert len(specs) == len(SELECTS) + len(KEYED) + len(about_people) + 1
    assert {spec.name for spec in specs if not spec.blocking} == warn
    assert all(spec.description for spec in specs)


@pytest.mark.parametrize("mart", MARTS, ids=lambda mart: mart.table.name)
def test_every_check_says_of_how_much(tables: duckdb.DuckDBPyConnection, mart: Mart) -> None:
    names, rows = read_named(tables, "marts/measures", mart.table.name, AS_OF)
    assert len(rows) == 1
    counts = dict(zip(names, rows[0], strict=True))
    for rule in mart.rules:
        assert rule.counts
        assert all(isinstance(counts[name], int | float) for name in rule.counts)


def test_a_failed_check_shows_what_it_found_and_a_warning_stays_one() -> None:
    rules = {rule.name: rule for mart in MARTS for rule in mart.rules}
    found = checks.Found(("repository", "months"), [(f"acme/r{number}", number) for number in range(25)])
    loud = checks._result(MONTHLY_NEW_CONTRIBUTORS, rules["no_month_is_missing"], found, {"months": 7})
    assert (loud.passed, loud.severity) == (False, dg.AssetCheckSeverity.ERROR)
    assert loud.metadata["violations"].value == 25
    assert loud.metadata["months"].value == 7
    shown = loud.metadata["first_20_rows"]
    assert isinstance(shown, dg.TableMetadataValue)
    assert [record.data["repository"] for record in shown.records] == [f"acme/r{number}" for number in range(20)]
    warned = checks._result(
        CONTRIBUTORS,
        rules["account_answers_are_fresh"],
        found,
        dict.fromkeys(rules["account_answers_are_fresh"].counts, 1),
    )
    assert warned.severity is dg.AssetCheckSeverity.WARN


# Drift


def first_two() -> list[Commit]:
    """What is landed of the first repository; its tip comes first."""
    return [commit("bob@example.com", "2020-07-01", sha="a1"), commit(sha="a0")]


@pytest.fixture
def made(tmp_path: Path) -> MadeHome:
    """Two repositories, published."""
    made = MadeHome(tmp_path / "home")
    made.repository(*first_two())
    made.repository(commit("cleo@example.com", "2020-06-01", sha="b0"), repository_id=2)
    made.publish()
    return made


def drift(made: MadeHome, *, later: int = 0) -> checks.Found:
    """What the check finds in the tables as they are built now, ``later`` days after the first."""
    made.as_of = NOW + timedelta(days=later)
    with made.building() as connection:
        found = checks.drift(connection, made.home.published)
        assert connection.execute("select 1 from duckdb_databases() where database_name = 'previous'").fetchall() == []
    return found


def changes(found: checks.Found) -> list[tuple[str, ...]]:
    assert tuple(found.columns) in {(), ("repository", "date", "before", "after", "why")}
    return [(str(row[0]), str(row[1])[:7], *map(str, row[2:])) for row in found.rows]


def test_without_a_snapshot_there_is_nothing_to_compare_with(tmp_path: Path) -> None:
    made = MadeHome(tmp_path / "home")
    made.repository(commit())
    assert drift(made) == checks.Found(more=(("compared_with", "no snapshot: this is the first"),))


def test_nothing_changed(made: MadeHome) -> None:
    found = drift(made)
    assert not found.rows
    assert str(dict(found.more)["compared_with"]).startswith("20210315T")


def test_a_month_that_was_still_running_may_change(made: MadeHome) -> None:
    made.land(1, [commit("dora@example.com", "2021-03-16", sha="a2"), *first_two()])
    assert changes(drift(made, later=5)) == []


def test_a_late_merge_is_told(made: MadeHome) -> None:
    made.land(1, [commit("dora@example.com", "2020-08-02", sha="a2"), *first_two()])
    assert changes(drift(made)) == [("acme/anvil", "2020-08", "0", "1", "older commits came in")]


def test_rewritten_history_is_told(made: MadeHome) -> None:
    made.land(1, [commit("bob@example.com", "2020-06-01", sha="c0"), commit(sha="c1")])
    assert changes(drift(made)) == [
        ("acme/anvil", "2020-06", "0", "1", "history was rewritten"),
        ("acme/anvil", "2020-07", "1", "0", "history was rewritten"),
    ]


def test_other_definitions_are_told(made: MadeHome) -> None:
    """Whatever else changed: it cannot be told apart from what the new definitions changed."""
    snapshot = (made.home.published / "current.duckdb").resolve()
    snapshot.chmod(0o644)
    (snapshot.parent / "checksums.json").unlink()  # as one of an earlier version
    with duckdb.connect(str(snapshot)) as connection:
        connection.execute("update snapshot set definition_version = definition_version - 1")
    made.land(1, [commit("dora@example.com", "2020-08-02", sha="a2"), *first_two()])
    assert changes(drift(made)) == [("acme/anvil", "2020-08", "0", "1", "the definitions changed")]


def test_new_account_links_are_told(made: MadeHome) -> None:
    made.answer("ann@example.com", 7, "ann")
    made.answer("bob@example.com", 7, "ann")
    found = drift(made)
    assert changes(found) == [("acme/anvil", "2020-07", "1", "0", "other account links")]
    assert dict(found.more)["repositories_changed"] == dict(found.more)["months: other account links"] == 1


def test_a_repository_that_is_gone_is_told_and_a_new_one_is_no_drift(made: MadeHome) -> None:
    made.repository(commit("eve@example.com", "2020-05-01"), repository_id=3)
    made.landing.commits.file(2).unlink()
    found = drift(made)
    assert {row[0] for row in found.rows} == {"acme/bolt"}
    assert {row[-1] for row in found.rows} == {"the repository is gone"}
    assert ("acme/bolt", "2020-06", "1", "None", "the repository is gone") in changes(found)


@pytest.mark.parametrize("checksums", [True, False])
@pytest.mark.parametrize("place", ["whole", "middle", "gone"])
def test_a_snapshot_that_cannot_be_read_is_a_warning(made: MadeHome, place: str, checksums: bool) -> None:
    """The tables are compared with nothing then; that is said, and holds nothing back."""
    file = (made.home.published / "current.duckdb").resolve()
    if not checksums:
        (file.parent / "checksums.json").unlink()
    content = bytearray(file.read_bytes())
    file.unlink()
    if place == "whole":
        file.write_bytes(b"garbage")
    elif place == "middle":
        for position in range(len(content) // 4, len(content), 997):
            content[position] ^= 0xFF
        file.write_bytes(content)
    found = drift(made)
    assert found.columns == ("problem",)
    assert file.stem in str(found.rows[0][0])
