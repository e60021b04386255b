"""The one writer of CSV, for the command line and the API. Standard library only.

A spreadsheet runs a cell that begins like a formula, and names and descriptions are other people's texts. So a text that
begins with one of ``= + - @``, a tab, a line break or an apostrophe gets an apostrophe before it. To have the text as it
is, remove one apostrophe from the beginning of each text that has one: no other text begins with it. Numbers and dates
are never changed. JSON, NDJSON and Parquet hold texts as they are.
See OWASP, "CSV Injection": https://owasp.org/www-community/attacks/CSV_Injection
"""

import csv
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

_QUOTED_LINE_END = "\r\n"
"""Before Python 3.13 the csv module quotes only the line breaks that are part of its own line end."""

_GUARDED = ("=", "+", "-", "@", "\t", "\r", "\n", "'")


def csv_text(rows: Iterable[Iterable[Any]], *, line_end: str) -> bytes:
    """Rows in UTF-8: times in UTC with a Z, dates as YYYY-MM-DD, true and false, nothing for null."""
    lines = _Lines()
    csv.writer(lines, lineterminator=_QUOTED_LINE_END).writerows([_cell(value) for value in row] for row in rows)
    return "".join(f"{line}{line_end}" for line in lines.written).encode()


class _Lines:
    """What the csv module writes, a line at a time."""

    def __init__(self) -> None:
        self.written: list[str] = []

    def write(self, line: str) -> None:
        self.written.append(line.removesuffix(_QUOTED_LINE_END))


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        return f"'{value}" if value.startswith(_GUARDED) else value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%dT%H:%M:%SZ}"
    if isinstance(value, date):
        return value.isoformat()
    return value
