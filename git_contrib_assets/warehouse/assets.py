"""The warehouse's tables as assets: typed, keyed, deduplicated; one select each, in the file of the table's name."""

from collections.abc import Callable, Sequence
from typing import Any

import dagster as dg

from git_contrib_assets.automation import after_crawl
from git_contrib_assets.metadata import table_metadata
from git_contrib_assets.resources import Installation
from git_contrib_assets.storage.landing_zone import LandingZone
from git_contrib_assets.storage.warehouse import build_table, code_version, table_name


def _table(
    name: str, group: str, deps: Sequence[Any], *, personal: bool = False
) -> Callable[[Callable[..., Any]], dg.AssetsDefinition]:
    """The label that all tables of this layer share."""
    return dg.asset(
        key=["warehouse", name],
        deps=deps,
        group_name=group,
        kinds={"duckdb", "sql"},
        owners=["team:data"],
        tags={"layer": "warehouse", **({"pii": ""} if personal else {})},
        code_version=code_version("warehouse", name),
        automation_condition=after_crawl,
    )


def _build(installation: Installation, name: str) -> dg.MaterializeResult:  # type: ignore[type-arg]
    with installation.errors_reported(), installation.warehouse("building the tables") as connection:
        key = LandingZone(installation.home).key().decode()
        build_table(connection, "warehouse", name, {"as_of": installation.as_of, "key": key})
        return dg.MaterializeResult(metadata=table_metadata(connection, table_name("warehouse", name)))


@_table("repositories", "repositories", [["landing", "repositories"], ["landing", "crawl_log"]])
def repositories(installation: Installation) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """One row per repository ever listed, with how its last attempt ended.

    Key: `repository_id`. State is complete, empty, emptied, pending, failed or vanished; a failed or vanished
    one keeps its last good data.
    """
    return _build(installation, "repositories")


@_table("owners", "repositories", [repositories])
def owners(installation: Installation) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """One row per owner of a repository ever listed. Key: `owner_id`."""
    return _build(installation, "owners")


@_table("commits", "contributors", [["landing", "crawl_log"]], personal=True)
def commits(installation: Installation) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """One row per repository and commit, dated by the rule; a view on the landing files, nothing is copied.

    Key: `repository_id`, `sha`. The date is the author's, or the committer's where the author's cannot be right.
    """
    return _build(installation, "commits")


@_table("known_bots", "contributors", [])
def known_bots(installation: Installation) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """One row per login or name that is known to be a program although nothing in it says so. Key: `kind`, `value`."""
    return _build(installation, "known_bots")


@_table("authors", "contributors", [commits, known_bots, ["landing", "accounts"]])
def authors(installation: Installation) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """One row per repository and author as written, with the contributor behind it. No address is stored.

    Key: `repository_id`, `address_id`, `author_name` as written. Who it is follows the rules of
    docs/definitions.md; everything about people is computed from here, so that a link between two addresses
    counts in all repositories.
    """
    return _build(installation, "authors")
