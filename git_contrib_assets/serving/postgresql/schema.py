"""The tables in PostgreSQL: their names and types, and the statements that make them as the contract has them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from typing import Any

import orjson

from git_contrib_assets.errors import DatabaseMismatch
from git_contrib_assets.serving.contract import Publication
from git_contrib_assets.tables import Column, Table

SCHEMA = "git_contrib"
TYPES = {
    "BIGINT": "bigint",
    "BOOLEAN": "boolean",
    "DATE": "date",
    "DOUBLE": "double precision",
    "INTEGER": "integer",
    # Published times are UTC and do not say so. This type says so: comparisons with now() are right in every session.
    "TIMESTAMP": "timestamp with time zone",
    "VARCHAR": "text",
}
COPIES = Table(
    name="copies",
    grain="One row per publication: what was last copied of it",
    key=("publication",),
    order=("publication",),
    columns=(
        Column("publication", "VARCHAR", "Name of the publication"),
        Column("snapshot_id", "VARCHAR", "Name of its snapshot that these tables hold"),
        Column("fingerprint", "VARCHAR", "Hash of the files that were copied: the same ones are not copied again"),
        Column("copied_at", "TIMESTAMP", "When its tables were last changed"),
    ),
)
_OURS = " (copied by git-contrib)"
"""The end of the comment of each table that we made: one without it is somebody else's."""
_PLAIN_TABLE = "r"

LOOK = f"""
select json_build_object(
    'encoding', current_setting('server_encoding'),
    'has_schema', exists (select from pg_catalog.pg_namespace where nspname = '{SCHEMA}'),
    'tables', (
        select coalesce(json_object_agg(c.relname, json_build_object(
            'kind', c.relkind,
            'comment', obj_description(c.oid, 'pg_class'),
            'columns', (
                select coalesce(json_object_agg(
                    a.attname,
                    json_build_array(format_type(a.atttypid, a.atttypmod), col_description(c.oid, a.attnum))
                ), '{{}}')
                from pg_catalog.pg_attribute a
                where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
            ),
            'constraints', (
                select coalesce(json_agg(o.conname), '[]') from pg_catalog.pg_constraint o where o.conrelid = c.oid
            ),
            'indexes', (
                select coalesce(json_agg(x.relname), '[]')
                from pg_catalog.pg_index i join pg_catalog.pg_class x on x.oid = i.indexrelid
                where i.indrelid = c.oid
            )
        )), '{{}}')
        from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
        where n.nspname = '{SCHEMA}' and c.relkind in ('r', 'p', 'v', 'm', 'f')
    )
)
"""  # noqa: S608 - our own names
"""One query for all that must be known of a database before a copy."""


@dataclass(frozen=True)
class PresentTable:
    """A table, view or foreign table that is there; ``columns`` gives each column's type and comment."""

    kind: str
    comment: str | None
    columns: dict[str, tuple[str, str | None]]
    constraints: frozenset[str]
    indexes: frozenset[str]

    @property
    def is_ours(self) -> bool:
        """Whether we made it."""
        return self.kind == _PLAIN_TABLE and (self.comment or "").endswith(_OURS)


@dataclass(frozen=True)
class Present:
    """What is in a database."""

    encoding: str = "UTF8"
    has_schema: bool = False
    tables: dict[str, PresentTable] = field(default_factory=dict)

    @classmethod
    def parse(cls, answer: str) -> "Present":
        """From the one value that ``LOOK`` gives."""
        found = orjson.loads(answer)
        return cls(
            found["encoding"],
            found["has_schema"],
            {name: _present_table(one) for name, one in found["tables"].items()},
        )


def _present_table(found: dict[str, Any]) -> PresentTable:
    columns = {name: (kind, comment) for name, (kind, comment) in found["columns"].items()}
    constraints, indexes = frozenset(found["constraints"]), frozenset(found["indexes"])
    return PresentTable(found["kind"], found["comment"], columns, constraints, indexes)


def qualified(name: str) -> str:
    """A table's name with its schema."""
    return f'{SCHEMA}."{name}"'


def named_tables(publication: Publication) -> dict[str, Table]:
    """A publication's tables by their names in PostgreSQL, each after those it refers to."""
    by_name = {table.published_name: table for table in publication.all_tables}
    order = TopologicalSorter({name: {one.table for one in table.references} for name, table in by_name.items()})
    return {publication.name_among_all(name): by_name[name] for name in order.static_order()}


def check_fits(present: Present, tables: dict[str, Table]) -> None:
    """Raises DatabaseMismatch where something is in the way of these tables, and says what to do about it."""
    if present.encoding != "UTF8":
        raise DatabaseMismatch(
            f"The database keeps texts as {present.encoding}, which cannot hold all names: create one with encoding UTF8"
        )
    for name, table in tables.items():
        there = present.tables.get(name)
        if there is None:
            continue
        if not there.is_ours:
            raise DatabaseMismatch(
                f"{SCHEMA}.{name} is there, and was not made by git-contrib: rename it, or copy to another database"
            )
        expected = {column.name: TYPES[column.type] for column in table.columns}
        for column, (kind, _) in there.columns.items():
            if kind != expected.get(column):
                wanted = expected.get(column, "no column any more")
                raise DatabaseMismatch(
                    f"{SCHEMA}.{name}.{column} is {kind}, and in this version of git-contrib {wanted}: drop the table "
                    f"(drop table {SCHEMA}.{name} cascade) and copy again, which makes it again"
                )


def statements(present: Present, tables: dict[str, Table]) -> Iterator[str]:
    """What makes the tables, without their keys; nothing where all is as it should be."""
    if not present.has_schema:
        yield f"create schema {SCHEMA}"
    for name, table in tables.items():
        there = present.tables.get(name)
        if there is None:
            yield f"create table {qualified(name)} ({column_list(table)})"
        yield from _differences(name, table, there)


def _differences(name: str, table: Table, there: PresentTable | None) -> Iterator[str]:
    """What a table that is there lacks: columns of a newer contract, and comments."""
    known = there.columns if there else {}
    for column in table.columns:
        if there and column.name not in known:
            yield f'alter table {qualified(name)} add column "{column.name}" {TYPES[column.type]}'
        if known.get(column.name, ("", None))[1] != column.description:
            yield f'comment on column {qualified(name)}."{column.name}" is {_literal(column.description)}'
    comment = table.grain + _OURS
    if there is None or there.comment != comment:
        yield f"comment on table {qualified(name)} is {_literal(comment)}"


def key_statements(present: Present, tables: dict[str, Table], publication: Publication) -> Iterator[str]:
    """What makes the keys of these tables that are not there. Made after the rows, they are checked all at once."""
    for name, table in tables.items():
        there = present.tables.get(name)
        constraint = f"{name}_pkey"
        if not (there and constraint in there.constraints):
            yield f'alter table {qualified(name)} add constraint "{constraint}" primary key ({names(table.key)})'
    yield from _foreign_keys(present, publication)


def _foreign_keys(present: Present, publication: Publication) -> Iterator[str]:
    """Their columns get an index where the key does not begin with them.

    Without one, each row that is deleted in the other table is looked for in all of this one.
    """
    by_name = {table.published_name: table for table in publication.all_tables}
    for table in publication.all_tables:
        name = publication.name_among_all(table.published_name)
        there = present.tables.get(name)
        for reference in table.references:
            constraint = f"{name}_of_{reference.table}"
            columns = names(reference.columns)
            if table.key[: len(reference.columns)] != reference.columns and not (there and constraint in there.indexes):
                yield f'create index "{constraint}" on {qualified(name)} ({columns})'
            if not (there and constraint in there.constraints):
                target = qualified(publication.name_among_all(reference.table))
                key = names(by_name[reference.table].key)
                yield (
                    f'alter table {qualified(name)} add constraint "{constraint}" '
                    f"foreign key ({columns}) references {target} ({key})"
                )


def column_list(table: Table) -> str:
    """The columns with their types."""
    return ", ".join(f'"{column.name}" {TYPES[column.type]}' for column in table.columns)


def names(columns: Sequence[str]) -> str:
    """Names of columns, separated by commas."""
    return ", ".join(f'"{column}"' for column in columns)


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
