"""What is published about contributors is declared completely."""

import pytest

from git_contrib_assets.serving.contract.contributors import MARTS, PUBLICATION
from git_contrib_assets.tables import Table

every_table = pytest.mark.parametrize("table", PUBLICATION.all_tables, ids=lambda table: table.name)


@every_table
def test_of_every_text_somebody_said_whether_it_tells_of_a_person(table: Table) -> None:
    """None means that nobody has thought about it yet."""
    assert [one.name for one in table.columns if one.type == "VARCHAR" and one.personal is None] == []


@every_table
def test_names_of_columns_are_unique_and_described(table: Table) -> None:
    """A name that stands twice cannot be asked for."""
    assert len(set(table.column_names)) == len(table.columns)
    assert all(column.description for column in table.columns)


@every_table
def test_key_and_order_are_columns(table: Table) -> None:
    """The order ends with what tells rows apart: it is the same in every snapshot."""
    assert set(table.key) | set(table.order) <= set(table.column_names)


def test_names_of_tables_are_unique() -> None:
    """They lie side by side in one file."""
    names = [table.name for table in PUBLICATION.all_tables]
    assert len(set(names)) == len(names)


def test_every_mart_about_contributors_is_published() -> None:
    """A mart is added in one place."""
    assert {mart.table for mart in MARTS} <= set(PUBLICATION.tables)


def test_the_snapshot_and_the_months_tell_of_nobody() -> None:
    """Only the two tables about people do."""
    assert {table.name for table in PUBLICATION.all_tables if table.is_personal} == {"contributors", "first_commits"}


@every_table
def test_every_type_is_known_to_old_readers(table: Table) -> None:
    """A column of a type that DuckDB 1.1 does not know would close the whole file to it."""
    old = {"BIGINT", "BOOLEAN", "DATE", "DOUBLE", "INTEGER", "TIMESTAMP", "VARCHAR"}
    assert {column.type for column in table.columns} <= old
