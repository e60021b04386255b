"""The months of all repositories in memory, 16 bytes each, so that the months of one repository need no query.

Ten thousand repositories with two hundred months take 32 MB. A query would take three times as long as the rest of the
answer, most of it before the first row is read.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow

_EPOCH = date(1970, 1, 1)
_NUMBERS = ("number_of_new_contributors", "number_of_new_bots", "cumulative_contributors")


class Series:
    """The rows of ``months.sql``, without nulls, with the months of each repository next to each other."""

    def __init__(self, table: "pyarrow.Table") -> None:
        self._columns = {name: _integers(table[name].combine_chunks()) for name in ("day", *_NUMBERS)}
        self._dates = {day: _EPOCH + timedelta(days=day) for day in set(self._columns["day"])}

    def of(self, found: Mapping[str, Any], first: date, last: date) -> list[dict[str, Any]]:
        """The months between two, in order. ``found`` is the repository's row of ``repositories_named.sql``."""
        if found["first_row"] is None:
            return []
        place = slice(found["first_row"], found["last_row"] + 1)
        dates = [self._dates[day] for day in self._columns["day"][place]]
        numbers = (self._columns[name][place].tolist() for name in _NUMBERS)
        repository, repository_id = found["repository"], found["repository_id"]
        rows = [
            {
                "repository": repository,
                "date": month,
                "number_of_new_contributors": people,
                "number_of_new_bots": bots,
                "cumulative_contributors": total,
                "repository_id": repository_id,
            }
            for month, people, bots, total in zip(dates, *numbers, strict=True)
            if first <= month <= last
        ]
        return sorted(rows, key=lambda row: row["date"])


def _integers(column: "pyarrow.Array") -> memoryview:
    if not len(column):
        return memoryview(b"").cast("i")
    return memoryview(column.buffers()[1]).cast("B").cast("i")[column.offset : column.offset + len(column)]
