"""The contributors' marts are declared completely: each has its select, each rule its select and its numbers."""

from importlib.resources import files

import pytest

from git_contrib_assets import marts
from git_contrib_assets.marts import registry
from git_contrib_assets.marts.contributors import MARTS, OLD_MONTHS, SUBJECT
from git_contrib_assets.marts.mart import Mart, Rule

FOLDER = files(marts)
every_mart = pytest.mark.parametrize("mart", MARTS, ids=lambda mart: mart.table.name)
every_rule = pytest.mark.parametrize("rule", [one for mart in MARTS for one in mart.rules], ids=lambda rule: rule.name)


@every_mart
def test_a_mart_has_a_select_of_its_name(mart: Mart) -> None:
    """And it belongs to this subject."""
    assert (FOLDER / f"{mart.table.name}.sql").is_file()
    assert (mart.subject, mart.table.layer) == (SUBJECT, "marts")


@every_rule
def test_a_rule_has_a_select_of_its_name(rule: Rule) -> None:
    """The rows that break it."""
    assert (FOLDER / "violations" / f"{rule.name}.sql").is_file()


@every_rule
def test_a_rule_says_how_much_it_covered(rule: Rule) -> None:
    """A check that passes on nothing would look as well as one that passes on everything."""
    assert rule.counts
    assert rule.description


def test_no_select_of_a_rule_is_left_over() -> None:
    """A file that no rule names is never run."""
    named = {f"{rule.name}.sql" for mart in registry.MARTS for rule in mart.rules}
    found = {file.name for file in (FOLDER / "violations").iterdir() if file.name.endswith(".sql")}
    assert found == named


def test_only_what_can_change_rightly_does_not_block() -> None:
    """Old months change with rewritten history: that is shown, and stops nothing."""
    assert not OLD_MONTHS.blocking
    blocking = {rule.name for mart in MARTS for rule in mart.rules if rule.blocking}
    assert blocking == {
        "no_month_is_missing",
        "newcomers_add_up_to_people",
        "every_commit_is_counted",
        "first_commit_is_the_earliest",
    }
