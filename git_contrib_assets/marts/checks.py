"""Checks on the marts. Blocking: a wrong table holds the snapshot back, and the last good one stays. Others only warn."""

import contextlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb

from git_contrib_assets.graph.metadata import rows_as_table
from git_contrib_assets.graph.resources import Installation
from git_contrib_assets.serving.contract import (
    CONTRIBUTORS,
    CURRENT_LINK,
    FIRST_COMMITS,
    MONTHLY_NEW_CONTRIBUTORS,
    REPOSITORIES,
)
from git_contrib_assets.storage.warehouse import read_named, read_violations, table_name
from git_contrib_assets.tables import Table

_SHOWN = 20
KEYS = "one_row_per_key"
DRIFT = "old_months_are_as_before"


@dataclass(frozen=True)
class Rule:
    """A select that must return no row (``violations/<name>.sql``), and the counts that show of how much it is true."""

    name: str
    description: str
    counts: tuple[str, ...] = ()
    blocking: bool = True


@dataclass(frozen=True)
class Found:
    """What a rule found: rows that must not be, and more to be shown beside them."""

    columns: Sequence[str] = ()
    rows: Sequence[tuple[object, ...]] = ()
    more: tuple[tuple[str, Any], ...] = ()


RULES = {
    CONTRIBUTORS: (
        Rule(
            "most_contributors_have_an_account",
            "At most 60 % have no account, where GitHub was asked: more looks as if its answers had got lost",
            ("contributors", "unlinked", "unlinked_percent", "emails", "emails_asked"),
            blocking=False,
        ),
        Rule(
            "few_contributors_are_bots",
            "At most 20 % are bots: more looks as if a rule took people for programs",
            ("contributors", "bots", "bots_percent"),
            blocking=False,
        ),
        Rule(
            "account_answers_are_fresh",
            "No answer of GitHub's about an address is older than 30 days; without a token none is asked again",
            ("emails", "emails_asked", "oldest_answer_in_days"),
            blocking=False,
        ),
    ),
    FIRST_COMMITS: (
        Rule(
            "first_commit_is_the_earliest",
            "Every first commit is landed with that time, and its contributor has no earlier one in the repository",
            ("first_commits", "repositories"),
        ),
    ),
    REPOSITORIES: (),
    MONTHLY_NEW_CONTRIBUTORS: (
        Rule(
            "no_month_is_missing",
            "Every repository has every month from its creation or first commit to now",
            ("months",),
        ),
        Rule(
            "newcomers_add_up_to_people",
            "The sum over a repository's months is the number of its contributors",
            ("newcomers", "people"),
        ),
        Rule("no_email_is_published", "No published text about people holds an @", ("people",)),
        Rule(
            "every_commit_is_counted",
            "Every landed commit stands behind one author",
            ("commits_landed", "commits_counted"),
        ),
        Rule(
            DRIFT,
            "Months that were over in the last snapshot still have their number. Rewritten history, a late merge or a new "
            "account link change them rightly: look at the list",
            ("months",),
            blocking=False,
        ),
    ),
}


def one_row_per_key(connection: duckdb.DuckDBPyConnection, table: Table) -> list[tuple[object, ...]]:
    """Keys of a published table that have more than one row, or a null."""
    key = ", ".join(table.key)
    nulls = " or ".join(f"{column} is null" for column in table.key)
    query = f"select {key} from {table_name('marts', table.name)} group by {key} having count(*) > 1 or {nulls}"  # noqa: S608
    return connection.execute(query).fetchall()


def drift(connection: duckdb.DuckDBPyConnection, published: Path) -> Found:
    """Old months whose number is not that of the current snapshot in ``published``, and what explains it."""
    with _previous(connection, published) as snapshot_id:
        if snapshot_id is None:
            return Found(more=(("compared_with", "no snapshot: there is none that can be read"),))
        columns, changed = read_violations(connection, DRIFT, {})
        more: list[tuple[str, Any]] = [("compared_with", snapshot_id)]
        if not changed:
            return Found(more=tuple(more))
        # Only now: this looks at every commit once more.
        why = dict(read_named(connection, "marts/measures", "why_months_changed", {})[1])
        rows = [(*row[1:], why.get(row[0], "the repository is gone")) for row in changed]
        more.append(("repositories_changed", len({row[0] for row in rows})))
        more += [(f"months: {reason}", number) for reason, number in Counter(str(row[-1]) for row in rows).items()]
        return Found((*columns[1:], "why"), rows, tuple(more))


@contextlib.contextmanager
def _previous(connection: duckdb.DuckDBPyConnection, published: Path) -> Iterator[str | None]:
    """The current snapshot, attached as ``previous``: its id, or None where none can be read."""
    link = published / CURRENT_LINK
    snapshot_id = None
    with contextlib.suppress(OSError, duckdb.Error):
        escaped = str(link.resolve(strict=True)).replace("'", "''")
        connection.execute(f"attach '{escaped}' as previous (read_only)")
        snapshot_id = str(connection.execute("select snapshot_id from previous.snapshot").fetchall()[0][0])
    try:
        yield snapshot_id
    finally:
        connection.execute("detach database if exists previous")


def _result(table: Table, rule: Rule, found: Found, counts: dict[str, Any]) -> dg.AssetCheckResult:
    shown = rows_as_table(found.columns, found.rows[:_SHOWN]) if found.rows and found.columns else None
    return dg.AssetCheckResult(
        check_name=rule.name,
        asset_key=dg.AssetKey(["marts", table.name]),
        passed=not found.rows,
        severity=dg.AssetCheckSeverity.ERROR if rule.blocking else dg.AssetCheckSeverity.WARN,
        metadata={
            "violations": len(found.rows),
            **{name: counts[name] for name in rule.counts},
            **dict(found.more),
            **({f"first_{_SHOWN}_rows" if len(found.rows) > _SHOWN else "rows": shown} if shown else {}),
        },
    )


def _look(connection: duckdb.DuckDBPyConnection, installation: Installation, table: Table, rule: Rule) -> Found:
    if rule.name == KEYS:
        return Found(table.key, one_row_per_key(connection, table))
    if rule.name == DRIFT:
        return drift(connection, installation.home.published)
    columns, rows = read_violations(connection, rule.name, {"as_of": installation.as_of})
    return Found(columns, rows)


def _checks_of(table: Table) -> dg.AssetChecksDefinition:
    """One step for all checks of a mart: its key, and its rules."""
    asset = dg.AssetKey(["marts", table.name])
    counted = {CONTRIBUTORS: "contributors", FIRST_COMMITS: "first_commits", REPOSITORIES: "repositories"}
    keys = Rule(KEYS, f"{', '.join(table.key)} is unique and never null", (counted.get(table, "months"),))
    rules = (keys, *RULES[table])
    specs = [
        dg.AssetCheckSpec(rule.name, asset=asset, blocking=rule.blocking, description=rule.description)
        for rule in rules
    ]

    @dg.multi_asset_check(name=f"check_{table.name}", specs=specs)
    def check(installation: Installation) -> Iterator[dg.AssetCheckResult]:
        with installation.errors_reported(), installation.warehouse("checking the tables") as connection:
            counts = _counts(connection, table, installation)
            for rule in rules:
                yield _result(table, rule, _look(connection, installation, table, rule), counts)

    return check


def _counts(connection: duckdb.DuckDBPyConnection, table: Table, installation: Installation) -> dict[str, Any]:
    names, (row,) = read_named(connection, "marts/measures", table.name, {"as_of": installation.as_of})
    return dict(zip(names, row, strict=True))


check_contributors = _checks_of(CONTRIBUTORS)
check_first_commits = _checks_of(FIRST_COMMITS)
check_repositories = _checks_of(REPOSITORIES)
check_monthly_new_contributors = _checks_of(MONTHLY_NEW_CONTRIBUTORS)
