"""CSV: what a spreadsheet would run is guarded, and the guard can be undone."""

import csv
import io
from datetime import date, datetime

from hypothesis import given
from hypothesis import strategies as st

from git_contrib_assets.csv_text import csv_text

FORMULAS = ["=1+1", '=HYPERLINK("http://x.example")', "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "'=1", "'"]


def read(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode(), newline="")))


def test_no_text_begins_like_a_formula() -> None:
    for (cell,) in read(csv_text([[text] for text in FORMULAS], line_end="\n")):
        assert cell.startswith("'")


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1) | st.sampled_from(FORMULAS)))
def test_the_guard_is_reversible(texts: list[str]) -> None:
    """Any text, after one apostrophe is removed from the beginning of those that have one."""
    found = read(csv_text([[text, "end"] for text in texts], line_end="\r\n"))
    assert [cell.removeprefix("'") for cell, _ in found] == texts


def test_values_that_are_not_texts_stay_as_they_are() -> None:
    row = [-1, 0.5, None, True, False, date(2020, 1, 2), datetime.fromisoformat("2020-01-02T03:04:05.678"), "a - b"]
    assert csv_text([row], line_end="\n") == b"-1,0.5,,true,false,2020-01-02,2020-01-02T03:04:05Z,a - b\n"
