"""The catalogue as people use it: with a mouse, by keyboard, without scripts, and signed in."""

import csv
import io

import page_scene
import pytest
from axe_playwright_python.sync_playwright import Axe
from catalogue_rows import PLANTED, TOKEN
from page_in_browser import DESK, PHONE
from playwright.sync_api import expect

ROWS = "#repositories tbody tr"
PUBLIC = 138
PRIVATE = 4
STORED = "JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie, location.href, history.state])"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The address of the API over the scene with its catalogue."""
    folder = tmp_path_factory.mktemp("home") / "published"
    page_scene.publish(folder)
    page_scene.publish_catalogue(folder, PUBLIC - 8)
    with page_scene.served(folder) as address:
        yield address


@pytest.fixture
def catalogue(watched, site):
    """The page without a choice."""
    watched.goto(f"{site}/catalogue")
    expect(watched.locator("#private")).to_be_visible()
    return watched


def total(page):
    return page.locator("[data-value=total]")


def sign_in(page, token: str = TOKEN) -> None:
    page.get_by_label("Token of this server").fill(token)
    page.get_by_role("button", name="Show private rows").click()


def test_a_choice(catalogue, site):
    """Search, owner, state, order: in the address, and back again."""
    catalogue.get_by_label("Find").fill("listed-only")
    catalogue.keyboard.press("Enter")
    expect(total(catalogue)).to_have_text("1")
    expect(catalogue).to_have_url(f"{site}/catalogue?q=listed-only")
    catalogue.get_by_label("Find").fill("")
    catalogue.get_by_label("State").select_option("gone")
    expect(catalogue.locator(ROWS)).to_have_count(1)
    expect(catalogue).to_have_url(f"{site}/catalogue?state=gone")
    catalogue.go_back()
    expect(total(catalogue)).to_have_text("1")
    expect(catalogue.get_by_label("Find")).to_have_value("listed-only")
    catalogue.goto(f"{site}/catalogue")
    catalogue.get_by_role("button", name="Stars").click()
    expect(catalogue.locator("th[aria-sort=ascending]")).to_have_text("Stars")
    expect(catalogue.locator("#sort-stars")).to_be_focused()
    catalogue.get_by_role("link", name="Next page").click()
    expect(catalogue.locator(ROWS)).to_have_count(PUBLIC - 100)


def test_signed_in_and_out(catalogue, site):
    """Private rows only meanwhile; the token is stored nowhere, and in no address that is asked for."""
    asked = []
    catalogue.on("request", lambda request: asked.append(request.url))
    expect(total(catalogue)).to_have_text(str(PUBLIC))
    sign_in(catalogue)
    expect(total(catalogue)).to_have_text(str(PUBLIC + PRIVATE))
    expect(catalogue.get_by_role("button", name="Sign out")).to_be_focused()
    catalogue.get_by_label("Find").fill(PLANTED)
    catalogue.keyboard.press("Enter")
    expect(total(catalogue)).to_have_text(str(PRIVATE))
    expect(catalogue).to_have_url(f"{site}/catalogue")
    assert TOKEN not in str(asked)
    assert TOKEN not in catalogue.evaluate(STORED)
    assert TOKEN not in catalogue.content()
    assert catalogue.locator("#bearer").input_value() == ""
    assert catalogue.context.cookies() == []
    catalogue.get_by_label("Find").fill("")
    catalogue.get_by_role("button", name="Sign out").click()
    expect(total(catalogue)).to_have_text(str(PUBLIC))
    assert PLANTED not in catalogue.content()
    sign_in(catalogue)
    expect(total(catalogue)).to_have_text(str(PUBLIC + PRIVATE))
    catalogue.reload()
    expect(total(catalogue)).to_have_text(str(PUBLIC))
    assert PLANTED not in catalogue.content()


def test_a_wrong_token(page, site):
    """It is said, and the public rows stay."""
    page.goto(f"{site}/catalogue")
    sign_in(page, "not-the-token")
    expect(page.get_by_role("alert")).to_have_text("That is not the token of this server.")
    expect(page.get_by_label("Token of this server")).to_be_focused()
    expect(total(page)).to_have_text(str(PUBLIC))


@pytest.mark.parametrize("signed_in", [False, True], ids=["signed out", "signed in"])
def test_the_csv(catalogue, signed_in):
    """Under its name with the day, and with private rows only for whoever signed in."""
    if signed_in:
        sign_in(catalogue)
        expect(total(catalogue)).to_have_text(str(PUBLIC + PRIVATE))
    with catalogue.expect_download() as waiting:
        catalogue.get_by_role("link", name="Download CSV").click()
    assert waiting.value.suggested_filename == "repositories-2024-10-12.csv"
    rows = list(csv.DictReader(io.StringIO(waiting.value.path().read_text("utf-8"))))
    hidden = [row for row in rows if row["Status"] == "Private"]
    assert (len(rows), len(hidden)) == ((PUBLIC - 1 + 3, 3) if signed_in else (PUBLIC - 1, 0))


def test_names_are_text(catalogue):
    """Nothing of them runs: `watched` would see it."""
    catalogue.get_by_label("Find").fill("onerror")
    catalogue.keyboard.press("Enter")
    expect(total(catalogue)).to_have_text("1")
    expect(catalogue.locator(ROWS)).to_contain_text(page_scene.HOSTILE)
    expect(catalogue.locator("#content img")).to_have_count(0)


def test_without_scripts(browser, site):
    """Rows, filters, order, pages and the CSV are there; nobody is asked for a token that nothing could keep."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{site}/")
    page.get_by_role("link", name="catalogue").click()
    expect(page.locator(ROWS)).to_have_count(100)
    expect(page.locator("#private")).to_be_hidden()
    page.get_by_label("Owner").fill("umbrella")
    page.get_by_role("button", name="Show").click()
    expect(total(page)).to_have_text("1")
    page.goto(f"{site}/catalogue")
    page.get_by_role("button", name="Repository").click()
    expect(page.locator("th[aria-sort=ascending]")).to_have_text("Repository")
    page.get_by_role("link", name="Next page").click()
    expect(page.locator("#repositories")).to_contain_text("Page 2 of 2")
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_axe_finds_nothing_serious(browser, site, scheme, size):
    """Signed out, and signed in."""
    context = browser.new_context(color_scheme=scheme, viewport=size)
    page = context.new_page()
    page.goto(f"{site}/catalogue")
    for signed_in in (False, True):
        if signed_in:
            sign_in(page)
            expect(total(page)).to_have_text(str(PUBLIC + PRIVATE))
        found = Axe().run(page).response
        assert len(found["passes"]) > 20
        serious = [one for one in found["violations"] if one["impact"] in {"serious", "critical"}]
        assert [(one["id"], [node["html"] for node in one["nodes"]][:3]) for one in serious] == []
        # nothing is wider than the window
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    context.close()
