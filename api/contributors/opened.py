"""What is kept in memory while a snapshot is open: the repositories by name, and their months."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import duckdb

from api.contributors.series import Series
from api.kit import queries
from api.kit.snapshot import Snapshot

MONTHS = "contributors/months"


class Opened:
    """The repositories by name, and their months, unless these exceed the limits of a query."""

    def __init__(self, snapshot: Snapshot, months: str | None = None) -> None:
        named = snapshot.rows("contributors/repositories_named")
        self._named = _by_name(named)
        self.series = _read_series(snapshot, named, months or queries.select(MONTHS))

    def named(self, name: str) -> list[dict[str, Any]]:
        """The repositories with this full or short name, in upper or lower case."""
        return self._named.get(name.lower(), [])


def months_of(snapshot: Snapshot, found: Mapping[str, Any], first: date, last: date) -> list[dict[str, Any]]:
    """The months of a repository between two months, in order."""
    series = snapshot.opened(Opened).series
    if series is not None:
        return series.of(found, first, last)
    rows = snapshot.rows("contributors/repository_series", series_parameters(found, first, last))
    return sorted(rows, key=lambda row: row["date"])


def series_parameters(found: Mapping[str, Any], first: date, last: date) -> dict[str, Any]:
    """The parameters of ``repository_series.sql`` for the months of a repository between two months."""
    place = {name: found[name] for name in ("repository_id", "first_row", "last_row")}
    return {**place, "from_month": first, "to_month": last}


def _read_series(snapshot: Snapshot, named: list[dict[str, Any]], months: str) -> Series | None:
    """All series; None if reading them exceeds the limits of a query. Then each series is a query of its own."""
    try:
        return _load_series(snapshot, named, months)
    except (duckdb.InterruptException, duckdb.OutOfMemoryException):
        return None


def _load_series(snapshot: Snapshot, named: list[dict[str, Any]], months: str) -> Series | None:
    """All series; None if the rows of the file are not stored in the order in which we write them."""
    together = all((one["last_row"] or 0) - (one["first_row"] or 0) + 1 == (one["months"] or 1) for one in named)
    if not together or not snapshot.rows("contributors/months_without_gaps")[0]["without_gaps"]:
        return None
    with snapshot.reader(months) as reader:
        table = reader.read_all()
    return None if any(column.null_count for column in table.columns) else Series(table)


def _by_name(rows: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        for name in (row["repository"], row["name"]):
            found.setdefault(name.lower(), []).append(row)
    return found
