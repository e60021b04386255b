"""Checks on the marts. Blocking: a wrong table holds the snapshot back, and the last good one stays."""

from collections.abc import Iterator

import dagster as dg
import duckdb

from git_contrib_assets.resources import Installation
from git_contrib_assets.serving.contract import (
    CONTRIBUTORS,
    FIRST_COMMITS,
    MONTHLY_NEW_CONTRIBUTORS,
    REPOSITORIES,
    Table,
)
from git_contrib_assets.storage.warehouse import read_violations, table_name

_SHOWN = 10
_CHECKS = {
    "no_month_is_missing": "Every repository has every month from its creation or first commit to now",
    "newcomers_add_up_to_people": "The sum over a repository's months is the number of its contributors",
    "no_email_is_published": "No published text about people holds an @",
    "every_commit_is_counted": "Every landed commit stands behind one author",
}


def one_row_per_key(connection: duckdb.DuckDBPyConnection, table: Table) -> list[tuple[object, ...]]:
    """Keys of a published table that have more than one row, or a null."""
    key = ", ".join(table.key)
    nulls = " or ".join(f"{column} is null" for column in table.key)
    query = f"select {key} from {table_name('marts', table.name)} group by {key} having count(*) > 1 or {nulls}"  # noqa: S608
    return connection.execute(query).fetchall()


def _result(asset: dg.AssetKey, name: str, violations: list[tuple[object, ...]]) -> dg.AssetCheckResult:
    first = [[str(value) for value in row] for row in violations[:_SHOWN]]
    return dg.AssetCheckResult(
        check_name=name,
        asset_key=asset,
        passed=not violations,
        metadata={"violations": len(violations), "first": dg.MetadataValue.json(first)},
    )


def _checks_of(table: Table, selects: dict[str, str]) -> dg.AssetChecksDefinition:
    """One step for all checks of a mart: its key, and selects that must return no row."""
    asset = dg.AssetKey(["marts", table.name])
    keys = dg.AssetCheckSpec(
        "one_row_per_key", asset=asset, blocking=True, description=f"{', '.join(table.key)} is unique and never null"
    )
    others = [dg.AssetCheckSpec(name, asset=asset, blocking=True, description=text) for name, text in selects.items()]

    @dg.multi_asset_check(name=f"check_{table.name}", specs=[keys, *others])
    def check(installation: Installation) -> Iterator[dg.AssetCheckResult]:
        with installation.errors_reported(), installation.warehouse("checking the tables") as connection:
            yield _result(asset, "one_row_per_key", one_row_per_key(connection, table))
            for name in selects:
                yield _result(asset, name, read_violations(connection, name))

    return check


check_contributors = _checks_of(CONTRIBUTORS, {})
check_first_commits = _checks_of(FIRST_COMMITS, {})
check_repositories = _checks_of(REPOSITORIES, {})
check_monthly_new_contributors = _checks_of(MONTHLY_NEW_CONTRIBUTORS, _CHECKS)
