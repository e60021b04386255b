"""The last two years of a table as a small picture in the Dagster UI."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from urllib.parse import quote

PLOTTED_MONTHS = 24


def last_months(counted: Mapping[date, int], today: date) -> list[tuple[date, int]]:
    """The last 24 months with their numbers, zeros included, the running one last."""
    months = [today.replace(day=1)]
    while len(months) < PLOTTED_MONTHS:
        months.append((months[-1] - timedelta(days=1)).replace(day=1))
    return [(month, int(counted.get(month, 0))) for month in reversed(months)]


def plot(months: Sequence[tuple[date, int]]) -> str:
    """Bars as a picture in Markdown, the running month pale. Short: the UI hides Markdown of 1,000 characters or more.

    A picture is an address here: HTML in Markdown is taken out by the UI.
    """
    most = max(number for _, number in months)
    heights = [round(56 * number / (most or 1)) or int(number > 0) for _, number in months]
    bars = [f"M{20 * position + 10},72v-{height}" for position, height in enumerate(heights)]
    first, last = (f"{month:%Y-%m}" for month in (months[0][0], months[-1][0]))
    picture = (
        "<svg xmlns='http://www.w3.org/2000/svg' width='480' height='90' font-family='sans-serif' font-size='11'>"
        f"<g stroke='#6c8ebf' stroke-width='16'><path d='{''.join(bars[:-1])}'/><path opacity='.4' d='{bars[-1]}'/></g>"
        f"<g fill='#888'><text y='11'>most: {most}</text><text y='87'>{first}</text>"
        f"<text x='480' y='87' text-anchor='end'>{last}</text></g></svg>"
    )
    said = f"per month, {first} to {last}: " + " ".join(str(number) for _, number in months)
    encoded = quote(picture, safe="='/:,.")
    return f"![{said}](data:image/svg+xml,{encoded})"
