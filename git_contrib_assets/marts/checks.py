"""Checks on the marts. Blocking: a wrong table holds the snapshot back, and the last good one stays. Others only warn."""

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb

from git_contrib_assets.graph.metadata import rows_as_table
from git_contrib_assets.graph.resources import Installation
from git_contrib_assets.marts import catalogue, contributors
from git_contrib_assets.marts.catalogue import NOTHING_LOST
from git_contrib_assets.marts.contributors import OLD_MONTHS
from git_contrib_assets.marts.mart import Mart, Rule
from git_contrib_assets.published_files import current_target, damage, why_unreadable
from git_contrib_assets.storage.subjects import CATALOGUE, CONTRIBUTORS, Subject
from git_contrib_assets.storage.warehouse import count_rows, has_select, read_named, read_violations, table_name
from git_contrib_assets.tables import DEFINITION_VERSION, Table

_SHOWN = 20
KEYS = "one_row_per_key"
NO_EMAIL = "no_email_is_published"


@dataclass(frozen=True)
class Found:
    """What a rule found: rows that must not be, and more to be shown beside them."""

    columns: Sequence[str] = ()
    rows: Sequence[tuple[object, ...]] = ()
    more: tuple[tuple[str, Any], ...] = ()


def one_row_per_key(connection: duckdb.DuckDBPyConnection, table: Table) -> Found:
    """Keys of a mart that have more than one row, or a null."""
    key = ", ".join(table.key)
    nulls = " or ".join(f"{column} is null" for column in table.key)
    query = f"select {key} from {table_name('marts', table.name)} group by {key} having count(*) > 1 or {nulls}"  # noqa: S608
    return Found(table.key, connection.execute(query).fetchall())


def no_email_is_published(connection: duckdb.DuckDBPyConnection, table: Table) -> Found:
    """Text columns of a mart with an @ in them, and in how many rows. The texts themselves are not shown."""
    found = []
    for column in table.texts_without_addresses:
        query = f"select count(*) from {table_name('marts', table.name)} where contains({column}, '@')"  # noqa: S608
        (rows,) = connection.execute(query).fetchall()[0]
        if rows:
            found.append((column, rows))
    return Found(("column", "rows"), found)


def lost(connection: duckdb.DuckDBPyConnection, folder: Path) -> Found:
    """Repositories that the current snapshot in ``folder`` has and the table no longer has. An unreadable one only warns."""
    return _compared(connection, folder, _lost)


def _lost(connection: duckdb.DuckDBPyConnection, snapshot_id: str) -> Found:
    columns, rows = read_violations(connection, NOTHING_LOST.name, {})
    return Found(columns, rows, (("compared_with", snapshot_id),))


def drift(connection: duckdb.DuckDBPyConnection, folder: Path) -> Found:
    """Old months whose number is not that of the current snapshot in ``folder``, and what explains it.

    If that snapshot cannot be read, this warns and says why; the run goes on, and publishes a new one.
    """
    return _compared(connection, folder, _drift)


def _compared(
    connection: duckdb.DuckDBPyConnection, folder: Path, compare: Callable[[duckdb.DuckDBPyConnection, str], Found]
) -> Found:
    """What ``compare`` finds with the current snapshot in ``folder`` attached as ``previous``, or why it cannot be read."""
    file = current_target(folder)
    if file is None:
        return Found(more=(("compared_with", "no snapshot: this is the first"),))
    problem = damage(file)
    if problem:
        return Found(("problem",), [(problem,)])
    try:
        with _attached(connection, file):
            return compare(connection, file.stem)
    except (OSError, duckdb.Error) as error:
        return Found(("problem",), [(why_unreadable(file, error),)])


def _drift(connection: duckdb.DuckDBPyConnection, snapshot_id: str) -> Found:
    columns, changed = read_violations(connection, OLD_MONTHS.name, {})
    more: list[tuple[str, Any]] = [("compared_with", snapshot_id)]
    if not changed:
        return Found(more=tuple(more))
    # Only now: this looks at every commit once more.
    values = {"definition_version": DEFINITION_VERSION}
    why = dict(read_named(connection, "marts/measures", "why_months_changed", values)[1])
    rows = [(*row[1:], why.get(row[0], "the repository is gone")) for row in changed]
    more.append(("repositories_changed", len({row[0] for row in rows})))
    more += [(f"months: {reason}", number) for reason, number in Counter(str(row[-1]) for row in rows).items()]
    return Found((*columns[1:], "why"), rows, tuple(more))


@contextlib.contextmanager
def _attached(connection: duckdb.DuckDBPyConnection, file: Path) -> Iterator[None]:
    """A snapshot, attached as ``previous``."""
    escaped = str(file).replace("'", "''")
    connection.execute(f"attach '{escaped}' as previous (read_only)")
    try:
        yield
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
        return one_row_per_key(connection, table)
    if rule.name == NO_EMAIL:
        return no_email_is_published(connection, table)
    if rule is OLD_MONTHS:
        return drift(connection, installation.home.published)
    if rule is NOTHING_LOST:
        return lost(connection, installation.home.private)
    columns, rows = read_violations(connection, rule.name, {"as_of": installation.as_of})
    return Found(columns, rows)


def rules_of(mart: Mart) -> tuple[Rule, ...]:
    """The rules of a mart: its key, its texts if it has any that might tell of people, then its own."""
    keys = Rule(KEYS, f"{', '.join(mart.table.key)} is unique and never null", ("checked_rows",))
    texts = () if mart.is_private else mart.table.texts_without_addresses
    no_email = Rule(NO_EMAIL, f"No text holds an @: {', '.join(texts)}", ("checked_rows",))
    return (keys, *([no_email] if texts else []), *mart.rules)


def mart_checks(name: str, marts: Sequence[Mart], subject: Subject = CONTRIBUTORS) -> dg.AssetChecksDefinition:
    """One step for all checks of these marts of a subject."""
    specs = [
        dg.AssetCheckSpec(
            rule.name,
            asset=dg.AssetKey(["marts", mart.table.name]),
            blocking=rule.blocking,
            description=rule.description,
        )
        for mart in marts
        for rule in rules_of(mart)
    ]

    @dg.multi_asset_check(name=name, specs=specs)
    def check(installation: Installation) -> Iterator[dg.AssetCheckResult]:
        with (
            installation.errors_reported(),
            installation.warehouse("checking the tables", subject=subject) as connection,
        ):
            for mart in marts:
                counts = _counts(connection, mart.table, installation)
                for rule in rules_of(mart):
                    yield _result(mart.table, rule, _look(connection, installation, mart.table, rule), counts)

    return check


def _counts(connection: duckdb.DuckDBPyConnection, table: Table, installation: Installation) -> dict[str, Any]:
    """The measures of a mart by name; ``checked_rows`` is always among them."""
    counts: dict[str, Any] = {"checked_rows": count_rows(connection, table_name("marts", table.name))}
    if has_select("marts/measures", table.name):
        names, (row,) = read_named(connection, "marts/measures", table.name, {"as_of": installation.as_of})
        counts |= zip(names, row, strict=True)
    return counts


MART_CHECKS = [
    *(mart_checks(f"check_{mart.table.name}", [mart]) for mart in contributors.MARTS),
    mart_checks("check_catalogue", catalogue.MARTS, CATALOGUE),
]
