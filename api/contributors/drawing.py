"""A chart as a self-contained SVG for READMEs: it loads nothing and runs nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from html import escape
from itertools import count
from math import ceil
from typing import Any

from api.contributors.models import Interval, Theme

WIDTH, HEIGHT = 720, 260
LEFT, RIGHT, TOP, BOTTOM = 52, 84, 62, 28
MONTHS_IN: dict[str, int] = {"month": 1, "quarter": 3, "year": 12}
LIGHT = ".t{fill:#1b2423}.m{fill:#56625f}.g{stroke:#e6e9e6}.b{fill:#2f938a}.p{fill:#cfe6e2;stroke:#2f938a}.l{stroke:#1b2423}.s{fill:#fff}"
DARK = ".t{fill:#e7ecea}.m{fill:#a3afac}.g{stroke:#2a3332}.b{fill:#3fa699}.p{fill:#24504a;stroke:#3fa699}.l{stroke:#e7ecea}.s{fill:#161b1c}"
SHARED = (
    "text{font:12px system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans',sans-serif}"
    ".t{font-size:15px;font-weight:600}.e{text-anchor:end}.c{text-anchor:middle}.l{fill:none;stroke-width:2;stroke-linejoin:round}"
)
# characters that XML does not allow, even escaped
NO_XML = dict.fromkeys((*range(9), 11, 12, *range(14, 32), 0xFFFE, 0xFFFF, *range(0xD800, 0xE000)))


@dataclass(frozen=True)
class Chart:
    """What is drawn: rows of the totals, and the month that is not complete yet."""

    title: str
    rows: Sequence[Mapping[str, Any]]
    running_month: date
    interval: Interval = "month"
    theme: Theme = "auto"

    def svg(self) -> str:
        """The picture."""
        return "".join(
            ["<svg xmlns='http://www.w3.org/2000/svg' ", *self._head(), *self._grid(), *self._marks(), "</svg>"]
        )

    @property
    def _description(self) -> str:
        if not self.rows:
            return "There are no months to draw."
        first, last = self.rows[0]["date"], self.rows[-1]
        latest = f"{last['number_of_new_contributors']:,} in the last {self.interval}"
        so_far = ", which is still running" if self._is_running(last) else ""
        in_all = sum(row["number_of_new_contributors"] for row in self.rows)
        return f"{in_all:,} new contributors from {first:%b %Y} to {last['date']:%b %Y}; {latest}{so_far}."

    @cached_property
    def _ticks(self) -> list[int]:
        """At most six round, whole numbers. The last one is not below anything that is drawn."""
        most = max(
            [1.0, *(row["number_of_new_contributors"] for row in self.rows), *filter(None, map(self._mean, self.rows))]
        )
        step = next(step for power in count() for step in (10**power, 2 * 10**power, 5 * 10**power) if most <= 5 * step)
        return list(range(0, ceil(most / step) * step + 1, step))

    def _is_running(self, row: Mapping[str, Any]) -> bool:
        start: date = row["date"]
        after = start.month - 1 + MONTHS_IN[self.interval]
        return date(start.year + after // 12, after % 12 + 1, 1) > self.running_month

    def _mean(self, row: Mapping[str, Any]) -> float | None:
        """The 12-month mean in the scale of the bars. A year needs none, because its bar shows the same."""
        mean: float | None = row["mean_12_months"]
        if mean is None or self.interval == "year" or self._is_running(row):
            return None
        return mean * MONTHS_IN[self.interval]

    def _x(self, place: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * place / max(1, len(self.rows))

    def _y(self, value: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / self._ticks[-1]

    def _head(self) -> list[str]:
        title, description = _text(self.title), _text(self._description)
        style = {"light": LIGHT, "dark": DARK, "auto": f"{LIGHT}@media(prefers-color-scheme:dark){{{DARK}}}"}[
            self.theme
        ]
        key = f"per {self.interval}" + ("" if self.interval == "year" else ", with the 12-month mean")
        return [
            f"width='{WIDTH}' height='{HEIGHT}' viewBox='0 0 {WIDTH} {HEIGHT}' role='img' aria-labelledby='title desc'>",
            f"<title id='title'>New contributors of {title}</title><desc id='desc'>{description}</desc>",
            f"<style>{SHARED}{style}</style><rect class='s' width='{WIDTH}' height='{HEIGHT}' rx='8'/>",
            f"<text class='t' x='16' y='26'>{title}</text><text class='m' x='16' y='43'>New contributors {key}</text>",
        ]

    def _grid(self) -> list[str]:
        parts = []
        for value in self._ticks if self.rows else []:
            y = self._y(value)
            parts.append(f"<path class='g' d='M{LEFT} {y:.1f}H{WIDTH - RIGHT}'/>")
            parts.append(f"<text class='m e' x='{LEFT - 6}' y='{y + 4:.1f}'>{value:,}</text>")
        for place, text in self._times():
            parts.append(f"<text class='m c' x='{self._x(place):.1f}' y='{HEIGHT - 10}'>{text}</text>")
        return parts

    def _times(self) -> list[tuple[float, str]]:
        """The labels of the time axis: each year at its start; if no year starts in the range, the first and the last bar."""
        middle = 0.5 if self.interval == "year" else 0
        januaries = [
            (place + middle, f"{row['date']:%Y}") for place, row in enumerate(self.rows) if row["date"].month == 1
        ]
        if januaries:
            every = -(-len(januaries) // 10)
            return januaries[::-1][::every]
        ends = sorted({0, len(self.rows) - 1}) if self.rows else []
        return [(place + 0.5, f"{self.rows[place]['date']:%b %Y}") for place in ends]

    def _marks(self) -> list[str]:
        parts, line = [], []
        gap = min(1.0, (self._x(1) - self._x(0)) * 0.1)
        for place, row in enumerate(self.rows):
            x, newcomers = self._x(place), row["number_of_new_contributors"]
            y, width = self._y(newcomers), self._x(place + 1) - x
            kind = "p" if self._is_running(row) else "b"
            if newcomers:
                box = f"x='{x + gap:.2f}' y='{y:.1f}' width='{width - 2 * gap:.2f}' height='{self._y(0) - y:.1f}'"
                parts.append(f"<rect class='{kind}' {box}/>")
            mean = self._mean(row)
            if mean is not None:
                line.append(f"{x + width / 2:.1f},{self._y(mean):.1f}")
            if kind == "p":
                parts.append(
                    f"<text class='m' x='{x + width + 5:.1f}' y='{HEIGHT - BOTTOM - 4}'>{newcomers:,} so far</text>"
                )
        if line:
            parts.append(f"<polyline class='l' points='{' '.join(line)}'/>")
        parts.append(f"<path class='m' d='M{LEFT} {HEIGHT - BOTTOM}H{WIDTH - RIGHT}v1H{LEFT}z'/>")
        if not self.rows:
            parts.append(f"<text class='m c' x='{WIDTH / 2:.0f}' y='{HEIGHT / 2:.0f}'>No months to draw</text>")
        return parts


def _text(text: str) -> str:
    return escape(text.translate(NO_XML))
