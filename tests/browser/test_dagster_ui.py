"""The Dagster UI as people use it: they open it, look at a table, and materialise a partition by clicking."""

import re
from typing import Any

from end_to_end.conftest import _organisation, github, installation  # noqa: F401 - fixtures
from end_to_end.test_up import FREE_PORTS, running
from installations import Installation
from playwright.sync_api import Locator, Page, expect
from waiting import until

from github_stand_in.server import StandIn


def test_a_partition_is_materialised_by_clicking(
    installation: Installation,  # noqa: F811 - the fixture
    github: StandIn,  # noqa: F811 - the fixture
    page: Page,
) -> None:
    github.fault("not_found", kind="git", path=r"^/acme/docs\.git")
    assert installation.run("run").returncode == 3
    github.clear_faults()
    with running(installation, "up", *FREE_PORTS) as up:
        before = set(up.runs())
        _the_failed_partition_is_red(page, up.ui)
        _a_table_shows_itself(page, up.ui, up.api)
        _materialise(page, up.ui, "acme/docs")
        (run,) = until(lambda: [one for one in set(up.runs()) - before if _of_docs(up.runs()[one])])
        assert up.until_ended(run) == "SUCCESS"
        page.goto(f"{up.ui}/assets/landing/commits?view=partitions")
        _seen(page.get_by_text("Materialized (4)"))
    assert set(installation.dagster()["partitions"].values()) == {"MATERIALIZED"}


def _of_docs(run: dict[str, Any]) -> bool:
    """Not of one that the daemon starts: it may be seen at the same time."""
    return bool(run["tags"].get("dagster/partition") == "acme/docs")


def _seen(what: Locator) -> None:
    expect(what).to_be_visible()


def _the_failed_partition_is_red(page: Page, ui: str) -> None:
    page.goto(f"{ui}/assets/landing/commits?view=partitions")
    _seen(page.get_by_text("Failed (1)"))
    _seen(page.get_by_text("Materialized (3)"))
    page.goto(f"{ui}/assets/serving/snapshot?view=checks")
    _seen(page.get_by_text("acme/docs: gone, renamed or private"))


def _a_table_shows_itself(page: Page, ui: str, api: str) -> None:
    """The grain, the columns with what they mean, rows, the plot as a picture, and the call that serves it."""
    page.goto(f"{ui}/assets/marts/monthly_new_contributors")
    _seen(page.get_by_text(re.compile("^One row per repository and month")))
    _seen(page.get_by_text("People and bots whose first commit in the repository fell in the month"))
    picture = page.locator("img[src^='data:image/svg']")
    _seen(picture)
    expect(picture).to_have_js_property("naturalWidth", 480)  # seen before it is decoded, it has none yet
    _seen(page.get_by_role("link", name=f"{api}/v1/new-contributors"))
    _seen(page.get_by_role("cell", name="acme/tools", exact=True))
    _seen(page.get_by_text("Fails if more than 36 hours since last materialization"))
    assert "@" not in page.locator("body").inner_text()


def _materialise(page: Page, ui: str, partition: str) -> None:
    page.goto(f"{ui}/assets/landing/commits")
    page.get_by_role("button", name="Materialize…").click()
    page.get_by_text("Select a partition or create one").click()
    page.locator("label, li, a", has_text=partition).last.click()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Launch 1 run").click()
    expect(page.get_by_role("button", name="Launch 1 run")).not_to_be_visible()
