"""The drawing: well-formed, the numbers of the JSON, in both themes, and nothing in it can run."""

import re
from datetime import date
from urllib.parse import quote
from xml.etree import ElementTree as ET

import pytest
from pictures import SVG, drawn

SUMMARY = "/v1/new-contributors/summary.svg"
SERIES = "/v1/repositories/acme/anvil/new-contributors.svg"


def bars(root: ET.Element, kind: str) -> list[float]:
    """The heights of the bars of a kind."""
    return [float(one.get("height", "")) for one in root.iter(f"{SVG}rect") if one.get("class") == kind]


async def test_bars_are_the_months(client):
    """One for each month with somebody new, as high as its number; the running month is pale and says its number."""
    root = await drawn(client, SERIES)
    items = (await client.get("/v1/repositories/acme/anvil/new-contributors")).json()["items"]
    counts = [row["number_of_new_contributors"] for row in items]
    heights = bars(root, "b")
    assert len(heights) == len([count for count in counts[:-1] if count])
    unit = heights[0] / 3
    assert heights == pytest.approx([count * unit for count in counts[:-1] if count], abs=0.1)
    assert bars(root, "p") == pytest.approx([counts[-1] * unit], abs=0.1)
    assert "1 so far" in "".join(root.itertext())
    points = root.find(f".//{SVG}polyline").get("points").split()
    assert len(points) == 7


async def test_title_and_description_are_for_screen_readers(client):
    """They say what the picture says."""
    root = await drawn(client, SERIES)
    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == "title desc"
    assert root.find(f"{SVG}title").text == "New contributors of acme/anvil"
    description = root.find(f"{SVG}desc").text
    assert description.startswith("23 new contributors from Jan 2016 to Jul 2017; 1 in the last month, which is still")


async def test_quarters_and_years(client):
    """The mean is on the scale of the bars; a year's bar is its own mean. One that holds the running month is pale."""
    quarters = await drawn(client, f"{SERIES}?interval=quarter")
    assert len(bars(quarters, "b")) == 6
    assert len(bars(quarters, "p")) == 1
    rows = (await client.get("/v1/new-contributors/summary?repository=acme/anvil&interval=quarter")).json()["items"]
    floor = 260 - 28
    unit = bars(quarters, "b")[0] / rows[0]["number_of_new_contributors"]
    last_mean = float(quarters.find(f".//{SVG}polyline").get("points").split()[-1].partition(",")[2])
    assert floor - last_mean == pytest.approx(3 * rows[-2]["mean_12_months"] * unit, abs=0.2)
    years = await drawn(client, f"{SERIES}?interval=year")
    assert (len(bars(years, "b")), len(bars(years, "p"))) == (1, 1)
    assert years.find(f".//{SVG}polyline") is None


@pytest.mark.parametrize(
    ("query", "times"),
    [
        ("", ["2017", "2016"]),
        ("?interval=year", ["2017", "2016"]),
        ("?from=2016-11", ["2017"]),
        ("?from=2016-03&to=2016-11", ["Mar 2016", "Nov 2016"]),
        ("?from=2016-05&to=2016-05", ["May 2016"]),
        ("?from=2016-04&to=2016-12&interval=quarter", ["Apr 2016", "Oct 2016"]),
        ("?from=2030-01", []),
    ],
)
async def test_the_times_under_the_bars(client, query, times):
    """The years that begin; where none does, the first and the last bar."""
    root = await drawn(client, SERIES + query)
    axis = [text for text in root.iter(f"{SVG}text") if text.get("class") == "m c" and text.get("y") == "250"]
    assert [text.text for text in axis] == times
    assert all(52 <= float(text.get("x")) <= 720 - 84 for text in axis)


async def test_quarters_that_are_over_are_whole(client):
    """The second quarter of 2017 ended before the running month began."""
    root = await drawn(client, f"{SERIES}?interval=quarter&to=2017-06")
    assert bars(root, "p") == []


async def test_themes(client):
    """Auto follows the reader's system; the others have one set of colours only."""
    texts = {theme: (await client.get(f"{SERIES}?theme={theme}")).text for theme in ("auto", "light", "dark")}
    assert (await client.get(SERIES)).text == texts["auto"]
    assert "prefers-color-scheme:dark" in texts["auto"]
    assert "prefers-color-scheme" not in texts["light"] + texts["dark"]
    assert texts["light"] != texts["dark"]
    background = re.compile(r"\.s\{fill:(#[0-9a-f]+)\}")
    assert background.findall(texts["auto"]) == background.findall(texts["light"]) + background.findall(texts["dark"])


async def test_nothing_to_draw(client, own_client, published):
    """Still a picture, which says so."""
    for opened, address in ((client, "/v1/repositories/acme/pending/new-contributors.svg"), (own_client, SUMMARY)):
        if opened is own_client:
            published.publish("20170704T0600Z-none", {})
        root = await drawn(opened, address)
        assert "No months to draw" in "".join(root.itertext())


async def test_no_number_on_the_axis_is_a_part_of_a_person(own_client, published, make_repository, make_series):
    """Whole and round, the last at or above all bars, at most six."""
    for most in (1, 2, 4, 7, 26, 101, 999, 12_345):
        one = make_repository(1, "acme/anvil")
        rows = make_series(one, date(2017, 1, 1), [most, 1, 0, 0, 0, 0, 0])
        published.publish(f"most-{most}", {"repositories": [one], "monthly_new_contributors": rows})
        root = await drawn(own_client, SERIES)
        ticks = [int(text.text.replace(",", "")) for text in root.iter(f"{SVG}text") if text.get("class") == "m e"]
        assert ticks[0] == 0
        assert ticks[-1] >= most > ticks[-2]
        assert len(ticks) <= 6


async def test_names_are_text(own_client, published, tables):
    """Whatever they hold, characters too that XML does not know."""
    hostile = "acme/<script>alert('x')</script>&\x01\x0b\ufffe"
    tables["repositories"][0]["repository"] = hostile
    published.publish("20170704T0600Z-hostile", tables)
    root = await drawn(own_client, f"{SUMMARY}?repository={quote(hostile)}")
    assert root.find(f"{SVG}title").text == "New contributors of acme/<script>alert('x')</script>&"
    assert root.find(f".//{SVG}script") is None


async def test_it_can_do_nothing_as_a_page(client):
    """Opened by itself, it loads nothing and runs nothing."""
    answer = await client.get(SERIES)
    assert answer.headers["content-security-policy"] == "default-src 'none'; style-src 'unsafe-inline'"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert not re.search(r"href|url\(|<script|@import", answer.text)
