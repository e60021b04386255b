"""What a table's declaration says: types that follow from a record, and which columns tell of people."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated

import pytest

from git_contrib_assets.tables import Column, Table, columns_of


class Colour(StrEnum):
    """A closed set of words."""

    RED = "red"


@dataclass(frozen=True)
class Record:
    """A field of every type."""

    flag: Annotated[bool, "a flag"]
    number: Annotated[int, "a number"]
    share: Annotated[float, "a share"]
    text: Annotated[str, "a text"]
    moment: Annotated[datetime, "a moment"]
    day: Annotated[date, "a day"]
    colour: Annotated[Colour, "a colour"]
    note: Annotated[str | None, "a note"] = None


@dataclass(frozen=True)
class Bare:
    """A field without its meaning."""

    number: int


def test_types_and_meanings_follow_from_the_record() -> None:
    """An Enum is stored as text; a bool is not taken for the int that it also is, nor a time for a date."""
    assert [(column.name, column.type, column.description) for column in columns_of(Record)] == [
        ("flag", "BOOLEAN", "a flag"),
        ("number", "BIGINT", "a number"),
        ("share", "DOUBLE", "a share"),
        ("text", "VARCHAR", "a text"),
        ("moment", "TIMESTAMP", "a moment"),
        ("day", "DATE", "a day"),
        ("colour", "VARCHAR", "a colour"),
        ("note", "VARCHAR", "a note"),
    ]


def test_only_what_may_be_none_is_nullable() -> None:
    """A default alone does not make a column nullable: its type does."""
    assert [column.name for column in columns_of(Record) if column.nullable] == ["note"]


def test_a_field_without_its_meaning_is_refused() -> None:
    """Nobody can add a column and forget to say what it means."""
    with pytest.raises(TypeError, match=r"^number: write Annotated"):
        columns_of(Bare)


def table(*columns: Column) -> Table:
    return Table("made", "One row per nothing", ("key",), ("key",), columns)


def test_texts_are_checked_for_addresses_unless_somebody_said_no() -> None:
    """A new text column is checked; numbers never are."""
    made = table(
        Column("undecided", "VARCHAR", ""),
        Column("personal", "VARCHAR", "", personal=True),
        Column("harmless", "VARCHAR", "", personal=False),
        Column("number", "BIGINT", ""),
    )
    assert made.texts_without_addresses == ("undecided", "personal")
    assert made.column_names == ("undecided", "personal", "harmless", "number")


@pytest.mark.parametrize(("personal", "expected"), [(True, True), (False, False), (None, False)])
def test_a_table_is_personal_if_one_column_is(personal: bool | None, expected: bool) -> None:
    """One column is enough."""
    made = table(Column("a", "BIGINT", "", personal=False), Column("b", "VARCHAR", "", personal=personal))
    assert made.is_personal is expected
