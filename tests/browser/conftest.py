"""A real browser, headless. Tests that ask for it are marked `browser`, and skipped where there is no Chromium."""

import os
import shutil

import duckdb
import page_scene
import pytest
from page_in_browser import LONG, drawn
from playwright.sync_api import expect, sync_playwright

from git_contrib_assets.serving.contract import CURRENT_LINK

PATIENCE = 90_000  # milliseconds: it only ends what would never come, however slow the machine
expect.set_options(timeout=PATIENCE)
QUIET = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
]


def pytest_collection_modifyitems(items):
    for item in items:
        if "browser" in item.fixturenames:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="module")  # no longer: while playwright's loop runs, no asynchronous test can
def browser():
    executable = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if executable is None:
        pytest.skip("there is no Chromium on this machine")
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []  # Chromium refuses to start as root with one
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=[*QUIET, *sandbox], timeout=PATIENCE)
        yield browser
        browser.close()


@pytest.fixture
def page(browser):
    context = browser.new_context(accept_downloads=True)
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    yield page
    context.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The address of the API over the scene."""
    folder = tmp_path_factory.mktemp("home") / "published"
    page_scene.publish(folder)
    with page_scene.served(folder) as address:
        yield address


@pytest.fixture(scope="module")
def crowded(tmp_path_factory):
    """The address of the API over more repositories than the picker lists; names of theirs are as long as they may be."""
    folder = tmp_path_factory.mktemp("crowded") / "published"
    page_scene.publish(folder)
    with duckdb.connect(str((folder / CURRENT_LINK).resolve())) as connection:
        connection.execute(
            "insert into repositories by name select one.* replace (1000 + number as repository_id,"
            " names[number + 1] as repository, split_part(names[number + 1], '/', 2) as name, 0 as contributors)"
            " from repositories as one, (select $names as names), range(320) as made(number) where repository_id = 1",
            {"names": LONG + [f"acme/quiet-{number}" for number in range(2, 320)]},
        )
    with page_scene.served(folder) as address:
        yield address


@pytest.fixture
def watched(page, site):
    """The page; a message of the browser, a refusal by the policy, or a request to elsewhere fails the test."""
    wrong = []
    page.on("console", lambda message: wrong.append(message.text) if message.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("dialog", lambda dialog: (wrong.append(dialog.message), dialog.dismiss()))
    page.on("request", lambda request: None if request.url.startswith((site, "data:")) else wrong.append(request.url))
    yield page
    assert wrong == []


@pytest.fixture
def opened(watched, site):
    """The page as it is without a choice, drawn."""
    watched.goto(site)
    drawn(watched)
    expect(watched.locator(".people li")).not_to_have_count(0)
    return watched
