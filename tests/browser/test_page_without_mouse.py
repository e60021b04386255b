"""The page by keyboard, without scripts, and for screen readers."""

import page_scene
import pytest
from axe_playwright_python.sync_playwright import Axe
from page_in_browser import DESK, HTTP, MONTHLY, PHONE, choice_of, drawn, in_year, release, summary, value
from playwright.sync_api import expect

# By keyboard


def focus(page) -> str:
    return page.evaluate("document.activeElement.id || document.activeElement.textContent.trim()")


def test_keyboard_only(opened, site):
    """To the numbers in one step; a repository found and chosen; the leaderboard sorted; focus stays where one works."""
    keys = opened.keyboard
    keys.press("Tab")
    assert focus(opened) == "Skip to the numbers"
    keys.press("Enter")
    expect(opened).to_have_url(f"{site}/#monthly")
    keys.press("Tab")
    expect(opened.locator("#monthly :focus")).to_have_count(1)
    opened.reload()
    expect(opened.locator(MONTHLY)).to_be_visible()
    summary_of_picker = opened.locator("#picker summary")
    for _ in range(20):
        keys.press("Tab")
        if summary_of_picker.evaluate("(one) => one === document.activeElement"):
            break
    expect(summary_of_picker).to_be_focused()
    keys.press("Enter")
    keys.press("Tab")
    assert focus(opened) == "find"
    keys.type("drill")
    keys.press("Enter")
    keys.press("Tab")
    keys.press("Space")
    expect(opened).to_have_url(f"{site}/?repository=acme/drill")
    expect(opened.locator("h1")).to_have_text("acme/drill")
    expect(opened.locator("#picker input[value='acme/drill']")).to_be_focused()
    keys.press("Escape")
    expect(summary_of_picker).to_be_focused()
    assert not opened.locator("#picker").evaluate("(one) => one.open")
    opened.locator("#sort-repository").focus()
    keys.press("Enter")
    heading = opened.get_by_role("columnheader", name="Repository", exact=True).first
    expect(heading).to_have_attribute("aria-sort", "ascending")
    expect(opened.locator("#sort-repository")).to_be_focused()
    keys.press("Space")
    expect(heading).to_have_attribute("aria-sort", "descending")
    expect(opened.locator("#leaders tbody th").first).to_contain_text("waiting")
    assert ("sort", "-repository") in choice_of(opened)


@pytest.mark.parametrize(
    "place",
    [
        "#headline a[href='#coverage']",
        "#monthly .sources a >> nth=1",
        "#monthly-table summary",
        "#monthly-table .scroll",
        "#newest a[href$='0004']",
        "#leaders tbody a >> nth=2",
        "#sort-state",
        "#from",
    ],
)
def test_focus_stays_when_an_answer_comes_late(opened, site, place):
    """One has gone on by then, to what the answer replaces by its like."""
    held = []
    opened.route("**/?bots=false", lambda route: held.append(route))
    opened.locator("#monthly-table").evaluate("(one) => { one.open = true; }")
    with opened.expect_request("**/?bots=false"):
        opened.get_by_label("Leave out bots").check()
    opened.locator(place).focus()
    seen = opened.evaluate("scrollY")
    release(opened, held)
    expect(opened).to_have_url(f"{site}/?bots=false")
    expect(opened.locator(place)).to_be_focused()
    assert opened.evaluate("scrollY") == seen


def test_focus_goes_on_where_its_place_is_no_more(opened, site):
    """At the numbers that changed; also for whoever came to a chip while the page without it was on its way."""
    opened.locator("#leaders").get_by_role("link", name="anvil").focus()
    opened.keyboard.press("Enter")
    expect(opened.locator("#monthly")).to_be_focused()
    held = []
    opened.route(f"{site}/", lambda route: held.append(route))
    with opened.expect_request(f"{site}/"):
        opened.get_by_text("all repositories", exact=True).click()
    opened.get_by_label("Remove acme/anvil").focus()
    release(opened, held)
    expect(opened.locator("#picker summary")).to_be_focused()


def test_a_link_to_a_part_of_the_page_ends_no_choice(opened, site):
    """The choice that is on its way is shown all the same; the way back is one to the page of before."""
    held = []
    opened.route("**/?bots=false", lambda route: held.append(route))
    with opened.expect_request("**/?bots=false"):
        opened.get_by_label("Leave out bots").check()
    opened.locator("#headline a[href='#coverage']").click()
    expect(opened).to_have_url(f"{site}/#coverage")
    release(opened, held)
    expect(value(opened, "in_year")).to_have_text(in_year(site, "?bots=false"))
    expect(opened).to_have_url(f"{site}/?bots=false")
    opened.go_back()
    expect(opened).to_have_url(f"{site}/#coverage")
    expect(value(opened, "in_year")).to_have_text(in_year(site))
    expect(opened.get_by_label("Leave out bots")).not_to_be_checked()


def test_focus_is_seen_everywhere(opened):
    """Every stop of the tab key is in view and has an outline; they come in the order of the page."""
    opened.locator("#picker summary").press("Enter")
    opened.locator("h1").click()
    stops = []
    for _ in range(120):
        opened.keyboard.press("Tab")
        stop = opened.evaluate("""() => {
            const one = document.activeElement, style = getComputedStyle(one), box = one.getBoundingClientRect();
            return one === document.body ? null : {
                name: one.id || one.textContent.trim().slice(0, 30), outline: style.outlineStyle, width: style.outlineWidth,
                top: box.top + scrollY, inView: box.bottom > 0 && box.top < innerHeight }; }""")
        if stop is None:
            break
        stops.append(stop)
    assert len(stops) > 30
    for stop in stops:
        assert stop["outline"] != "none", stop
        assert stop["width"] == "2px", stop
        assert stop["inView"], stop


# Without scripts


@pytest.fixture
def plain(browser, site):
    """The page in a browser that runs no scripts."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(site)
    yield page
    context.close()


def test_tables_without_scripts(plain, site):
    """All numbers are there, and the server's picture."""
    rows = summary(site)
    plain.locator("#monthly-table summary").click()
    table = plain.locator("#monthly-table tbody tr")
    expect(table).to_have_count(len(rows))
    expect(table.first).to_contain_text("Oct 2024, so far")
    expect(table.first).to_be_visible()
    expect(table.nth(1).locator("td").first).to_have_text(str(rows[-2]["number_of_new_contributors"]))
    expect(plain.locator("#leaders tbody tr").first.locator("td").first).to_be_visible()
    expect(plain.locator("#coverage")).to_contain_text("history unavailable")
    expect(plain.locator(".people li")).to_have_count(20)
    picture = plain.locator("[data-drawing=monthly] img")
    expect(picture).to_be_visible()
    assert HTTP.get(f"{site}{picture.get_attribute('src')}").headers["content-type"] == "image/svg+xml"


def test_the_form_without_scripts(plain, site):
    """It is sent as any form; the headers of the leaderboard sort it."""
    plain.locator("#picker summary").click()
    plain.get_by_role("checkbox", name="drill").check()
    plain.get_by_label("Leave out bots").check()
    plain.get_by_role("button", name="Show").click()
    expect(plain.locator("h1")).to_have_text("acme/drill")
    expect(value(plain, "in_year")).to_have_text(in_year(site, "?repository=acme/drill&bots=false"))
    plain.get_by_role("button", name="All time").click()
    expect(plain.locator("th[aria-sort=descending]")).to_have_text("All time")
    expect(plain.locator("h1")).to_have_text("acme/drill")
    plain.get_by_role("button", name="All time").click()
    expect(plain.locator("th[aria-sort=ascending]")).to_have_text("All time")


# For everybody


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
@pytest.mark.parametrize("query", ["", "?repository=acme/anvil&repository=acme/drill&from=2020-01"], ids=["all", "two"])
def test_axe_finds_nothing_serious(browser, site, scheme, size, query):
    """With all that can be opened open."""
    context = browser.new_context(color_scheme=scheme, viewport=size)
    page = context.new_page()
    page.goto(site + query)
    drawn(page)
    page.locator("#monthly-table summary").click()
    page.locator("#running-table summary").click()
    page.locator("#picker summary").click()
    found = Axe().run(page).response
    context.close()
    assert len(found["passes"]) > 20
    serious = [one for one in found["violations"] if one["impact"] in {"serious", "critical"}]
    assert [(one["id"], [node["html"] for node in one["nodes"]][:3]) for one in serious] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_before_the_first_snapshot(browser, tmp_path, scheme):
    """The page says what to do, and is as readable."""
    with page_scene.served(tmp_path / "published") as address:
        context = browser.new_context(color_scheme=scheme)
        page = context.new_page()
        answer = page.goto(address)
        assert answer.status == 503
        expect(page.locator("main")).to_contain_text("git-contrib run")
        found = Axe().run(page).response
        context.close()
    assert [one["id"] for one in found["violations"] if one["impact"] in {"serious", "critical"}] == []
