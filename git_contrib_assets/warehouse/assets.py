"""The warehouse's tables as assets: typed, keyed, deduplicated; one select each, in the file of the table's name."""

from collections.abc import Callable, Sequence
from typing import Any

import dagster as dg

from git_contrib_assets.graph.automation import after_crawl
from git_contrib_assets.graph.metadata import definition_metadata, table_metadata
from git_contrib_assets.graph.resources import Installation
from git_contrib_assets.storage.landing_zone import LandingZone
from git_contrib_assets.storage.warehouse import build_table, code_version, table_name
from git_contrib_assets.tables import Table
from git_contrib_assets.warehouse.tables import AUTHORS, COMMITS, KNOWN_BOTS, OWNERS, REPOSITORIES


def _table(table: Table, deps: Sequence[Any]) -> Callable[[Callable[..., Any]], dg.AssetsDefinition]:
    """The label that all tables of this layer share."""
    name = table.name
    return dg.asset(
        key=["warehouse", name],
        deps=deps,
        metadata=definition_metadata(table, name=table_name("warehouse", name), code=[f"warehouse/{name}.sql"]),
        group_name="contributors/warehouse",
        kinds={"duckdb", "sql"},
        owners=["team:data"],
        tags={"layer": "warehouse", **({"pii": ""} if table.is_personal else {})},
        code_version=code_version("warehouse", name),
        automation_condition=after_crawl,
    )


def _build(installation: Installation, of: Table) -> dg.MaterializeResult:  # type: ignore[type-arg]
    with installation.errors_reported(), installation.warehouse("building the tables", from_landing=True) as connection:
        key = LandingZone(installation.home).key().decode()
        build_table(connection, "warehouse", of.name, {"as_of": installation.as_of, "key": key})
        return dg.MaterializeResult(metadata=table_metadata(connection, table_name("warehouse", of.name)))


@_table(REPOSITORIES, [["landing", "repositories"], ["landing", "crawl_log"]])
def repositories(installation: Installation) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """One row per public repository ever listed, with how its last attempt ended.

    Key: `repository_id`. Its state is complete, empty, emptied, pending, failed or vanished; a failed or vanished
    one keeps its last good data. One that was seen private is left out, and with it out of all other tables.
    """
    return _build(installation, REPOSITORIES)


@_table(OWNERS, [repositories])
def owners(installation: Installation) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """One row per owner of a public repository ever listed. Key: `owner_id`."""
    return _build(installation, OWNERS)


@_table(COMMITS, [["landing", "crawl_log"]])
def commits(installation: Installation) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """One row per landed repository and commit reachable from the tip of its default branch, merges included.

    Key: `repository_id`, `sha`. Dated by the rule: the author's date, or the committer's if the author's cannot be
    right. A view on the landing files, nothing is copied.
    """
    return _build(installation, COMMITS)


@_table(KNOWN_BOTS, [["landing", "crawl_log"]])  # it reads nothing of landing; this makes it with the others
def known_bots(installation: Installation) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """One row per address, login or author name that is known to belong to a program although it does not end in [bot].

    Key: `kind`, `value`. A list kept by hand.
    """
    return _build(installation, KNOWN_BOTS)


@_table(AUTHORS, [commits, repositories, known_bots, ["landing", "accounts"]])
def authors(installation: Installation) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """One row per public repository and author as written (name and address), with the contributor behind it.

    Key: `repository_id`, `address_id`, `author_name`, `is_dated`. No address is stored. Who it is follows the rules of
    docs/definitions.md; everything about people is computed from here, so that a link between two addresses
    counts in all repositories.
    """
    return _build(installation, AUTHORS)
