"""Rows that refer to a row that is not there, as a foreign key would find them."""

from collections.abc import Callable

import duckdb

from git_contrib_assets.serving.contract import Publication
from git_contrib_assets.storage.warehouse import table_name
from git_contrib_assets.tables import Table


def in_the_warehouse(table: Table) -> str:
    return table_name(table.layer, table.name)


def in_the_file(table: Table) -> str:
    return table.published_name


def orphans(
    connection: duckdb.DuckDBPyConnection, publication: Publication, name_of: Callable[[Table], str]
) -> dict[str, int]:
    """The number of such rows by table and columns; none where all references hold."""
    by_name = {table.published_name: table for table in publication.all_tables}
    found = {}
    for table in publication.all_tables:
        for reference in table.references:
            target = by_name[reference.table]
            pairs = zip(reference.columns, target.key, strict=True)
            same = " and ".join(f"one.{column} = other.{key}" for column, key in pairs)
            there = " and ".join(f"one.{column} is not null" for column in reference.columns)
            query = (
                f"select count(*) from {name_of(table)} one where {there} "  # noqa: S608
                f"and not exists (select 1 from {name_of(target)} other where {same})"
            )
            ((number,),) = connection.execute(query).fetchall()
            if number:
                found[f"{table.name}.{reference.columns}"] = number
    return found
