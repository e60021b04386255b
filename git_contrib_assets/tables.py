"""What a table is: its columns with their types and meaning, its key, its order. Standard library only."""

import types
from dataclasses import dataclass, fields
from datetime import date, datetime
from enum import Enum
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

DEFINITION_VERSION = 2
_TYPES = {bool: "BOOLEAN", int: "BIGINT", float: "DOUBLE", str: "VARCHAR", datetime: "TIMESTAMP", date: "DATE"}


@dataclass(frozen=True)
class Column:
    """A column: its DuckDB type and what it means.

    ``personal`` says whether it tells of a person. Published text columns are checked for e-mail addresses unless
    ``personal`` is False: a new column is checked until somebody says that it need not be.
    """

    name: str
    type: str
    description: str
    personal: bool | None = None
    nullable: bool = True


@dataclass(frozen=True)
class Reference:
    """A foreign key: each value of ``columns`` is a key of the table that is named, in the same publication, or null."""

    columns: tuple[str, ...]
    table: str


@dataclass(frozen=True)
class Table:
    """A table: what one row is, its key, the order in which its rows are stored, its columns, its layer, its references.

    ``published_as`` is its name in the published file, if that is another: asset keys are unique in the whole graph, names
    only in their publication.
    """

    name: str
    grain: str
    key: tuple[str, ...]
    order: tuple[str, ...]
    columns: tuple[Column, ...]
    layer: str = "marts"
    references: tuple[Reference, ...] = ()
    published_as: str | None = None

    @property
    def published_name(self) -> str:
        """The table's name in the published file."""
        return self.published_as or self.name

    @property
    def column_names(self) -> tuple[str, ...]:
        """The names of the columns, in their order."""
        return tuple(column.name for column in self.columns)

    @property
    def is_personal(self) -> bool:
        """Whether a column tells of a person."""
        return any(column.personal for column in self.columns)

    @property
    def texts_without_addresses(self) -> tuple[str, ...]:
        """Text columns in which no e-mail address may stand."""
        return tuple(one.name for one in self.columns if one.type == "VARCHAR" and one.personal is not False)


def columns_of(record: type) -> tuple[Column, ...]:
    """The columns in which records of a dataclass are kept: each field is ``Annotated[type, "its meaning"]``."""
    hints = get_type_hints(record, include_extras=True)
    return tuple(_column(field.name, hints[field.name]) for field in fields(record))


def _column(name: str, hint: Any) -> Column:
    if get_origin(hint) is not Annotated:
        raise TypeError(f"{name}: write Annotated[type, 'its meaning']")
    kind, meaning = get_args(hint)[:2]
    nullable = get_origin(kind) in {Union, types.UnionType} and types.NoneType in get_args(kind)
    if nullable:
        (kind,) = (one for one in get_args(kind) if one is not types.NoneType)
    return Column(name, "VARCHAR" if issubclass(kind, Enum) else _TYPES[kind], meaning, nullable=nullable)
