"""What a table is: its columns with their types and meaning, its key, its order. Standard library only."""

from dataclasses import dataclass

DEFINITION_VERSION = 1


@dataclass(frozen=True)
class Column:
    """A published column: its DuckDB type and what it means."""

    name: str
    type: str
    description: str


@dataclass(frozen=True)
class Table:
    """A published table: what one row is, its key, the order in which its rows are stored, its columns."""

    name: str
    grain: str
    key: tuple[str, ...]
    order: tuple[str, ...]
    columns: tuple[Column, ...]

    @property
    def column_names(self) -> tuple[str, ...]:
        """The names of the columns, in their published order."""
        return tuple(column.name for column in self.columns)
