"""The page in a real browser: drawn, and changed."""

import csv
import io
import re

import page_scene
import pytest
from page_in_browser import (
    DESK,
    HTTP,
    LONG,
    MONTHLY,
    PHONE,
    RUNNING,
    bars,
    choice_of,
    drawn,
    in_year,
    summary,
    value,
)
from playwright.sync_api import expect

# Drawn


def test_panels_are_drawn(opened, site):
    """A bar for each month, the running one apart, the mean, the running total, the leaderboard and the people."""
    rows = summary(site)
    assert bars(opened) == len(rows)
    assert opened.locator(f"{MONTHLY} .running rect").count() == 1
    expect(opened.locator(f"{MONTHLY} .mean path")).to_have_count(1)
    expect(opened.locator(MONTHLY)).to_contain_text(f"{rows[-1]['number_of_new_contributors']} so far")
    for name in ("New contributors per month", "Running total of contributors"):
        expect(opened.get_by_role("img", name=name)).to_be_visible()
    expect(opened.locator("#leaders tbody tr")).to_have_count(len(page_scene.NAMES) - 1)
    expect(opened.locator("#leaders .trend").first).to_be_visible()
    expect(value(opened, "in_year")).to_have_text(in_year(site))
    expect(opened.locator("#apply")).to_be_hidden()


def test_a_line_for_each_repository_chosen(watched, site):
    """Each named at its end."""
    watched.goto(f"{site}/?repository=acme/anvil&repository=acme/drill&repository=acme/void")
    expect(watched.locator(f"{RUNNING} .total path")).to_have_count(3)
    for name in ("anvil", "drill", "void"):
        expect(watched.locator(f"{RUNNING} .name", has_text=name)).to_be_visible()
    expect(watched.locator("#running thead th")).to_have_count(4)


def test_nothing_moves_while_it_is_drawn(watched, site):
    """Room is kept for what is drawn, also for what is further down."""
    watched.set_viewport_size({"width": 1280, "height": 3000})
    watched.add_init_script("""
        window.moved = 0;
        new PerformanceObserver((list) => list.getEntries().forEach((one) => (window.moved += one.value)))
            .observe({type: 'layout-shift', buffered: true});""")
    watched.goto(site)
    before = watched.locator("#leaders").bounding_box()
    drawn(watched)
    assert watched.locator("#leaders").bounding_box() == before
    assert watched.evaluate("new Promise((done) => requestAnimationFrame(() => done(window.moved)))") < 0.02


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_nothing_runs_out_of_the_window(watched, site, size):
    """No sideways scrolling, and the drawing fills its panel, after a turn of the phone too."""
    watched.set_viewport_size(size)
    watched.goto(f"{site}/?repository=acme/anvil&repository=acme/engraver")
    for width in (size["width"], size["height"]):
        watched.set_viewport_size({"width": width, "height": size["height"]})
        for drawing in ("monthly", "running"):
            room = watched.locator(f"[data-drawing={drawing}]").bounding_box()["width"]
            expect(watched.locator(f"[data-drawing={drawing}] svg")).to_have_attribute("width", str(int(room)))
        assert watched.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def test_a_bar_tells_its_numbers(opened):
    """To whoever points at it."""
    opened.locator(MONTHLY).hover(position={"x": 300, "y": 150})
    expect(opened.locator(f"{MONTHLY} .tip")).to_contain_text(re.compile(r"[A-Z][a-z]{2} 20\d\d.*\d+ new"))


def test_long_names_do_not_run_out_of_a_small_window(page, crowded):
    """Wherever they stand, drawings and tables included."""
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(f"{crowded}/?repository={LONG[0]}&repository={LONG[1]}&repository=acme/anvil")
    drawn(page)
    for _ in range(2):
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        page.locator("#running-table summary").click()


# Changed


def test_a_filter_changes_the_address_and_the_numbers(opened, site):
    """Without a new page; the way back works, and the address alone gives the same view."""
    opened.evaluate("window.same = true")
    opened.locator("#picker summary").click()
    opened.get_by_role("checkbox", name="bellows").check()
    expect(value(opened, "in_year")).to_have_text(in_year(site, "?repository=acme/bellows"))
    expect(opened).to_have_url(f"{site}/?repository=acme/bellows")
    opened.get_by_role("checkbox", name="drill").check()
    both = "?repository=acme/bellows&repository=acme/drill"
    expect(value(opened, "in_year")).to_have_text(in_year(site, both))
    expect(opened).to_have_url(f"{site}/{both}")
    expect(opened.locator(f"{RUNNING} .total path")).to_have_count(2)
    expect(opened.locator(".chip")).to_have_count(2)
    expect(opened.locator("#status")).to_contain_text("new contributors in 12 months")
    opened.go_back()
    expect(value(opened, "in_year")).to_have_text(in_year(site, "?repository=acme/bellows"))
    expect(opened.locator("#picker input[value='acme/drill']")).not_to_be_checked()
    opened.go_back()
    expect(value(opened, "in_year")).to_have_text(in_year(site))
    expect(opened.locator("#picked")).to_have_text("all")
    opened.go_forward()
    expect(opened.locator("h1")).to_have_text("acme/bellows")
    assert opened.evaluate("window.same") is True
    opened.reload()
    expect(value(opened, "in_year")).to_have_text(in_year(site, "?repository=acme/bellows"))
    assert opened.evaluate("window.same === undefined")


def test_months_bots_and_forks(opened, site):
    """Each alone and together; the drawing follows."""
    opened.locator("#from").fill("2023-01")
    opened.locator("#from").press("Tab")
    rows = summary(site, "?from=2023-01")
    expect(opened.locator("#monthly-table tbody tr")).to_have_count(len(rows))
    expect(value(opened, "in_span")).to_have_text(str(sum(row["number_of_new_contributors"] for row in rows)))
    expect(opened.locator(f"{MONTHLY} .bars rect")).to_have_count(len(rows))
    opened.get_by_label("Leave out bots").check()
    expect(value(opened, "in_year")).to_have_text(in_year(site, "?bots=false"))
    opened.get_by_label("Count forks").check()
    expect(value(opened, "in_year")).to_have_text(in_year(site, "?bots=false&forks=true"))
    expect(opened.locator("#leaders tbody tr")).to_have_count(len(page_scene.NAMES))
    assert choice_of(opened) == [("from", "2023-01"), ("forks", "true"), ("bots", "false")]
    assert in_year(site) != in_year(site, "?bots=false") != in_year(site, "?bots=false&forks=true")


def test_a_span_that_was_shared_is_changed(watched, site):
    """Its months need not be those of the repositories shown: the form refuses none of them."""
    watched.goto(f"{site}/?repository=acme/drill&from=2012-01&to=2030-12")
    expect(watched.locator(MONTHLY)).to_be_visible()
    watched.get_by_label("Leave out bots").check()
    expect(watched).to_have_url(f"{site}/?repository=acme/drill&from=2012-01&to=2030-12&bots=false")


def test_a_choice_that_is_not_in_the_list_is_kept(page, crowded):
    """By name, by link, by the way back: it is in the list from then on, and leaves it only when it is taken away."""
    page.goto(crowded)
    expect(page.locator(MONTHLY)).to_be_visible()
    names = [page.locator("#picker li input").nth(place).get_attribute("value") for place in range(300)]
    other, another = [f"acme/quiet-{number}" for number in range(320) if f"acme/quiet-{number}" not in names][-2:]
    for number, name in enumerate((other, another.upper()), 1):
        page.locator("#picker summary").click()
        page.locator("#another").fill(name)
        page.locator("#another").press("Enter")
        expect(page.locator("#picked")).to_have_text(str(number))
        expect(page.locator("#another")).to_have_value("")
    expect(page.locator(f"#picker input[value='{other}']")).to_be_checked()
    page.get_by_label("Count forks").check()
    expect(page).to_have_url(f"{crowded}/?repository={other}&repository={another}&forks=true")
    page.get_by_label(f"Remove {other}").click()
    expect(page).to_have_url(f"{crowded}/?repository={another}&forks=true")
    expect(page.locator(f"#picker input[value='{other}']")).not_to_be_checked()
    page.get_by_label("Count forks").uncheck()
    expect(page).to_have_url(f"{crowded}/?repository={another}")
    page.goto(crowded)
    page.locator("#leaders").get_by_role("link", name="anvil").click()
    expect(page.locator("h1")).to_have_text("acme/anvil")
    page.goto(f"{crowded}/?repository={other}")
    page.get_by_label(f"Remove {other}").click()
    expect(page).to_have_url(f"{crowded}/")
    page.reload()
    page.go_back()
    expect(page.locator("h1")).to_have_text(other)
    page.get_by_label("Leave out bots").check()
    expect(page).to_have_url(f"{crowded}/?repository={other}&bots=false")


def test_a_choice_fetches_no_picture(opened, site):
    """The one for those without scripts stays with them."""
    asked = []
    opened.on("request", lambda request: asked.append(request.url))
    opened.get_by_label("Leave out bots").check()
    expect(value(opened, "in_year")).to_have_text(in_year(site, "?bots=false"))
    expect(opened.locator("body.is-busy")).to_have_count(0)
    opened.get_by_label("Count forks").check()
    expect(opened.locator("body.is-busy")).to_have_count(0)
    assert asked
    assert [address for address in asked if "/summary.svg" in address] == []


def test_a_repository_of_the_leaderboard(opened, site):
    """Its name shows it alone; a chip takes it away again."""
    opened.locator("#leaders").get_by_role("link", name="chisel").click()
    expect(opened).to_have_url(f"{site}/?repository=acme/chisel")
    expect(opened.locator("#picker input[value='acme/chisel']")).to_be_checked(checked=True)
    expect(opened.locator("#monthly")).to_be_focused()
    opened.get_by_label("Remove acme/chisel").click()
    expect(opened).to_have_url(f"{site}/")
    expect(opened.locator("h1")).to_have_text("acme")


def test_one_choice_overtakes_another(opened, site):
    """The answer that comes late is not shown."""
    held = []
    opened.route("**/?repository=acme/anvil", lambda route: held.append(route))
    opened.locator("#picker summary").click()
    with opened.expect_request("**/?repository=acme/anvil"):
        opened.get_by_role("checkbox", name="anvil").check()
    with opened.expect_event("requestfailed", lambda request: request.url.endswith("?repository=acme/anvil")):
        opened.get_by_role("checkbox", name="drill").check()
    expect(opened.locator("h1")).to_have_text("acme/anvil and acme/drill")
    expect(opened.locator(f"{RUNNING} .total path")).to_have_count(2)
    assert len(held) == 1
    opened.go_back()
    expect(opened).to_have_url(f"{site}/")


def test_a_choice_that_makes_no_sense(page, site):
    """Is said in place; the numbers and the address stay."""
    page.goto(f"{site}/?from=2023-05")
    expect(page.locator(MONTHLY)).to_be_visible()
    before = value(page, "in_span").inner_text()
    page.locator("#to").fill("2023-01")
    page.locator("#to").press("Tab")
    expect(page.get_by_role("alert")).to_have_text("to must not be before from.")
    expect(value(page, "in_span")).to_have_text(before)
    expect(page).to_have_url(f"{site}/?from=2023-05")


def test_find_a_repository(opened):
    """The list is cut to names that hold the text."""
    opened.locator("#picker summary").click()
    opened.get_by_label("Find a repository").fill("ELL")
    expect(opened.locator("#picker li:visible")).to_have_count(1)
    expect(opened.locator("#picker li:visible")).to_contain_text("bellows")


def test_csv_downloads(opened, site):
    """The link beside the drawing gives the rows that are drawn."""
    opened.locator("#leaders").get_by_role("link", name="anvil").click()
    expect(opened.locator("h1")).to_have_text("acme/anvil")
    with opened.expect_download() as waiting:
        opened.locator("#monthly").get_by_role("link", name="CSV").click()
    download = waiting.value
    assert download.suggested_filename == "new-contributors-summary-2024-09-30.csv"
    rows = list(csv.DictReader(io.StringIO(download.path().read_text())))
    drawn = summary(site, "?repository=acme/anvil")
    assert [int(row["number_of_new_contributors"]) for row in rows] == [
        row["number_of_new_contributors"] for row in drawn
    ]


def test_a_failure_is_said(page, site):
    """And what was there stays."""
    page.goto(site)
    expect(page.locator(MONTHLY)).to_be_visible()
    before = value(page, "in_year").inner_text()
    page.route(
        "**/v1/new-contributors/summary?*",
        lambda route: route.fulfill(status=503, json={"detail": "It took too long."}),
    )
    page.get_by_label("Leave out bots").check()
    expect(page.get_by_role("alert")).to_contain_text("It took too long.")
    expect(value(page, "in_year")).to_have_text(before)
    page.unroute("**/v1/new-contributors/summary?*")
    page.get_by_label("Count forks").check()
    expect(page.get_by_role("alert")).to_be_hidden()


def test_drawings_and_tables_are_of_one_snapshot(page, site):
    """An answer that the browser kept from before is asked for again, past its cache."""
    old = HTTP.get(f"{site}/v1/new-contributors/summary").json() | {"snapshot": "before", "items": []}
    page.route("**/v1/new-contributors/summary", lambda route: route.fulfill(json=old), times=1)
    page.goto(site)
    expect(page.locator(f"{MONTHLY} .bars rect")).to_have_count(len(summary(site)))


def test_names_are_text(opened):
    """Whatever a person is called, and whatever a reason says, nothing of it runs: `watched` would see it."""
    expect(opened.locator(".people")).to_contain_text(page_scene.HOSTILE)
    expect(opened.locator("#coverage")).to_contain_text(page_scene.HOSTILE.replace("_", " "))
    expect(opened.locator("#content img")).to_have_count(0)
