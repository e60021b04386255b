"""What tests look at in the page, and how they wait for it."""

from urllib.parse import parse_qsl, urlsplit

import httpx
import page_scene
from playwright.sync_api import expect

MONTHLY = "[data-drawing=monthly] svg"
RUNNING = "[data-drawing=running] svg"
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 900}
HTTP = httpx.Client(timeout=90)
LONG = [f"acme/quiet-{number}-{'long-name-' * 10}"[:105] for number in range(2)]


def drawn(page) -> None:
    """Wait for both drawings: each comes when its numbers have come."""
    for drawing in (MONTHLY, RUNNING):
        expect(page.locator(drawing)).to_be_visible()


def release(page, held) -> None:
    """Let the answer come that a route holds back; the route is told of it while the page is asked for something."""
    while not held:
        page.evaluate("0")
    held.pop().continue_()


def choice_of(page) -> list[tuple[str, str]]:
    return parse_qsl(urlsplit(page.url).query)


def value(page, name):
    return page.locator(f"[data-value={name}]")


def summary(site, query="") -> list[dict]:
    return HTTP.get(f"{site}/v1/new-contributors/summary{query}").json()["items"]


def in_year(site, query="") -> str:
    whole = [row for row in summary(site, query) if row["date"] <= str(page_scene.COMPLETE_THROUGH)]
    return f"{sum(row['number_of_new_contributors'] for row in whole[-12:]):,}"


def bars(page) -> int:
    return page.locator(f"{MONTHLY} .bars rect").count()
