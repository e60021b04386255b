"""The marts: one table per answer, one select each, in the file of the table's name."""

from collections.abc import Callable, Sequence
from typing import Any

import dagster as dg

from git_contrib_assets.automation import after_crawl
from git_contrib_assets.metadata import published_metadata
from git_contrib_assets.resources import Installation
from git_contrib_assets.serving.contract import (
    CONTRIBUTORS,
    FIRST_COMMITS,
    MONTHLY_NEW_CONTRIBUTORS,
    REPOSITORIES,
    Table,
)
from git_contrib_assets.storage.warehouse import build_table, code_version, table_name


def _table(
    name: str, group: str, deps: Sequence[Any], *, personal: bool = False
) -> Callable[[Callable[..., Any]], dg.AssetsDefinition]:
    """The label that all tables of this layer share."""
    return dg.asset(
        key=["marts", name],
        deps=deps,
        group_name=group,
        kinds={"duckdb", "sql"},
        owners=["team:data"],
        tags={"layer": "marts", **({"pii": ""} if personal else {})},
        code_version=code_version("marts", name),
        automation_condition=after_crawl,
    )


def _build(installation: Installation, table: Table) -> dg.MaterializeResult:  # type: ignore[type-arg]
    with installation.errors_reported(), installation.warehouse("building the tables") as connection:
        build_table(connection, "marts", table.name, {"as_of": installation.as_of})
        return dg.MaterializeResult(metadata=published_metadata(connection, table, table_name("marts", table.name)))


@_table("contributors", "contributors", [["warehouse", "authors"]])
def contributors(installation: Installation) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """One row per contributor, over all repositories.

    Key: `contributor_id`. One person with two linked addresses is one contributor; one commit that marks it as
    a bot is enough.
    """
    return _build(installation, CONTRIBUTORS)


@_table("first_commits", "contributors", [["warehouse", "authors"], ["warehouse", "repositories"], contributors])
def first_commits(installation: Installation) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """One row per repository and contributor: the contributor's first commit there.

    Key: `repository_id`, `contributor_id`. The earliest time counts, then the smallest sha.
    """
    return _build(installation, FIRST_COMMITS)


@_table("monthly_new_contributors", "contributors", [first_commits, ["warehouse", "repositories"]])
def monthly_new_contributors(installation: Installation) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """One row per repository and month, from the earlier of its creation and its first commit to now.

    Key: `repository_id`, `date`. A month without new contributors is a row with 0, never a missing row.
    """
    return _build(installation, MONTHLY_NEW_CONTRIBUTORS)


@_table("repositories", "repositories", [["warehouse", "repositories"], ["warehouse", "authors"], first_commits])
def repositories(installation: Installation) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """One row per repository ever listed, with what was counted in it and how far it is complete. Key: `repository_id`."""
    return _build(installation, REPOSITORIES)
