"""The last two years of a table as a picture in the Dagster UI."""

import re
from datetime import date
from urllib.parse import unquote
from xml.etree import ElementTree

import pytest
from histories import NOW

from git_contrib_assets.graph.pictures import PLOTTED_MONTHS, last_months, plot

SHORTEST_HIDDEN = 1000
"""The UI hides Markdown of this many characters behind a link."""


def picture(text: str) -> ElementTree.Element:
    (encoded,) = re.findall(r"^!\[[^\]]*\]\(data:image/svg\+xml,([^()\s]+)\)$", text)
    return ElementTree.fromstring(unquote(encoded))  # noqa: S314 - our own


def bars(text: str) -> list[int]:
    """The heights of the bars."""
    paths = [path.get("d", "") for path in picture(text).iter("{http://www.w3.org/2000/svg}path")]
    return [int(height) for path in paths for height in re.findall(r"v-(\d+)", path)]


def test_the_last_24_months_end_with_the_running_one() -> None:
    months = last_months({date(2021, 3, 1): 4, date(2019, 4, 1): 9, date(2019, 3, 1): 8}, NOW.date())
    assert len(months) == PLOTTED_MONTHS
    assert months[0] == (date(2019, 4, 1), 9)
    assert months[-1] == (date(2021, 3, 1), 4)
    assert sum(number for _, number in months) == 13


def test_bars_are_as_high_as_their_numbers() -> None:
    numbers = [0, 1, 500, 1000, *[0] * (PLOTTED_MONTHS - 4)]
    months = [(month, number) for (month, _), number in zip(last_months({}, NOW.date()), numbers, strict=True)]
    heights = bars(plot(months))
    assert len(heights) == PLOTTED_MONTHS
    assert heights[:5] == [0, 1, 28, 56, 0]  # one is not nothing
    assert "most: 1000" in "".join(picture(plot(months)).itertext())


@pytest.mark.parametrize("number", [0, 1, 999_999])
def test_a_plot_is_never_hidden(number: int) -> None:
    months = [(month, number) for month, _ in last_months({}, NOW.date())]
    assert len(plot(months)) < SHORTEST_HIDDEN
    assert len(bars(plot(months))) == PLOTTED_MONTHS
    assert plot(months).startswith("![per month, 2019-04 to 2021-03: ")
