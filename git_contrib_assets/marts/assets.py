"""The marts: one table per answer, one select each, in the file of the table's name."""

from collections.abc import Callable, Sequence
from typing import Any

import dagster as dg

from git_contrib_assets.graph.automation import after_crawl
from git_contrib_assets.graph.metadata import FRESH_FOR, definition_metadata, published_metadata
from git_contrib_assets.graph.resources import Installation
from git_contrib_assets.serving.contract import CONTRIBUTORS, FIRST_COMMITS, MONTHLY_NEW_CONTRIBUTORS, REPOSITORIES
from git_contrib_assets.storage.warehouse import build_table, code_version, table_name
from git_contrib_assets.tables import Table


def _table(
    table: Table, group: str, deps: Sequence[Any], *, api: str | None = None, personal: bool = False
) -> Callable[[Callable[..., Any]], dg.AssetsDefinition]:
    """The label that all tables of this layer share; ``api`` is the path under which our API serves it."""
    name = table.name
    return dg.asset(
        key=["marts", name],
        deps=deps,
        metadata=definition_metadata(table, name=table_name("marts", name), api=api, code=[f"marts/{name}.sql"]),
        freshness_policy=dg.FreshnessPolicy.time_window(fail_window=FRESH_FOR),
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
        source = table_name("marts", table.name)
        return dg.MaterializeResult(metadata=published_metadata(connection, table, source, as_of=installation.as_of))


@_table(CONTRIBUTORS, "contributors", [["warehouse", "authors"]], personal=True)
def contributors(installation: Installation) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """One row per contributor, over all repositories.

    Key: `contributor_id`. One person with two linked addresses is one contributor; one commit that marks it as
    a bot is enough.
    """
    return _build(installation, CONTRIBUTORS)


@_table(
    FIRST_COMMITS,
    "contributors",
    [["warehouse", "authors"], ["warehouse", "repositories"], contributors],
    api="/v1/contributors/new",
    personal=True,
)
def first_commits(installation: Installation) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """One row per repository and contributor: the contributor's first commit there.

    Key: `repository_id`, `contributor_id`. The earliest time counts, then the smallest sha.
    """
    return _build(installation, FIRST_COMMITS)


@_table(
    MONTHLY_NEW_CONTRIBUTORS,
    "contributors",
    [first_commits, ["warehouse", "repositories"]],
    api="/v1/new-contributors",
)
def monthly_new_contributors(installation: Installation) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """One row per repository and month, from the earlier of its creation and its first commit to now, zeros included.

    Key: `repository_id`, `date`. A month without new contributors is a row with 0, never a missing row.
    """
    return _build(installation, MONTHLY_NEW_CONTRIBUTORS)


@_table(
    REPOSITORIES,
    "repositories",
    [["warehouse", "repositories"], ["warehouse", "authors"], first_commits],
    api="/v1/repositories",
)
def repositories(installation: Installation) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """One row per repository ever listed.

    Key: `repository_id`. With what was counted in it, and how far it is complete.
    """
    return _build(installation, REPOSITORIES)
