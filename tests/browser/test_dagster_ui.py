"""The Dagster UI as people use it: they open it, look at a table, materialise a partition by clicking; and as others may not."""

import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import quote

import pytest
from end_to_end.conftest import _organisation, github, installation  # noqa: F401 - fixtures
from end_to_end.test_up import FREE_PORTS, LAUNCH, Up, running
from installations import Installation
from playwright.sync_api import Locator, Page, expect
from waiting import until

from github_stand_in.server import StandIn

# A website that somebody happens to open: everything that a browser sends for it without asking.
ATTACKS = """<!doctype html><link rel="icon" href="data:,">
<img src="%(ui)s/graphql?query=%(launch)s">
<img src="%(ui)s/graphql?query=%(shutdown)s">
<iframe name="frame"></iframe>
<form method="post" action="%(ui)s/graphql?query=%(launch)s" target="frame"></form>
<script>
document.forms[0].submit();
fetch("%(ui)s/graphql", {method: "POST", mode: "no-cors", body: JSON.stringify(%(request)s),
                         headers: {"Content-Type": "text/plain; application/json"}});
const socket = new WebSocket("%(ui)s/graphql".replace("http", "ws"), "graphql-ws");
socket.onopen = () => document.title = "open";
socket.onerror = () => document.title = "refused";
</script>"""
OPEN_A_WEBSOCKET = """new Promise(done => {
  const socket = new WebSocket(location.origin.replace("http", "ws") + "/graphql", "graphql-ws");
  socket.onopen = () => done("open");
  socket.onerror = () => done("refused");
})"""
REQUESTS = 4  # without the websocket, which a page is told of in another way
PARAMETERS = {
    "selector": {
        "repositoryName": "__repository__",
        "repositoryLocationName": "git_contrib",
        "jobName": "catalogue",
    },
    "runConfigData": {},
}
LAUNCH_AT_ONCE = """mutation { launchRun(executionParams: {selector: {repositoryName: "__repository__",
  repositoryLocationName: "git_contrib", jobName: "catalogue"}, runConfigData: "{}"}) { __typename } }"""
SHUTDOWN = 'mutation { shutdownRepositoryLocation(repositoryLocationName: "git_contrib") { __typename } }'


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
        _its_job_has_the_run(page, up)
        _the_failed_partition_is_red(page, up.ui)
        _a_table_shows_itself(page, up.ui, up.api)
        _materialise(page, up.ui, "acme/docs")
        (run,) = until(lambda: [one for one in set(up.runs()) - before if _of_docs(up.runs()[one])])
        assert up.until_ended(run) == "SUCCESS"
        page.goto(f"{up.ui}/assets/landing/commits?view=partitions")
        _seen(page.get_by_text("Materialized (4)"))
    assert set(installation.dagster()["partitions"].values()) == {"MATERIALIZED"}


@pytest.fixture
def website() -> Iterator[tuple[int, dict[str, str]]]:
    """The port of another web server of this machine, and its pages by their paths."""
    pages: dict[str, str] = {}

    class Pages(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(pages[self.path].encode())

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Pages) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port, pages
        server.shutdown()


def test_no_other_website_can_use_it(
    installation: Installation,  # noqa: F811 - the fixture
    page: Page,
    website: tuple[int, dict[str, str]],
) -> None:
    """Neither one elsewhere nor one on another port; but it may link to the UI."""
    port, pages = website
    with running(installation, "up", *FREE_PORTS) as up:
        pages["/attacks"] = _attacks(up)
        pages["/link"] = f'<a href="{up.ui}/jobs">Our jobs</a>'
        for host in ("localhost", "127.0.0.1"):
            _attack(page, up, f"http://{host}:{port}/attacks")
        assert up.runs() == {}
        page.goto(f"http://localhost:{port}/link")
        page.get_by_role("link", name="Our jobs").click()
        _seen(page.get_by_role("link", name="catalogue").first)  # so its code server is still there too
        assert page.evaluate(OPEN_A_WEBSOCKET) == "open"
        up.launch("catalogue", {})


def _attacks(up: Up) -> str:
    request = {"query": LAUNCH, "variables": {"parameters": PARAMETERS}}
    return ATTACKS % {
        "ui": up.ui,
        "launch": quote(LAUNCH_AT_ONCE),
        "shutdown": quote(SHUTDOWN),
        "request": json.dumps(request),
    }


def _attack(page: Page, up: Up, website: str) -> None:
    """Open a page that tries everything, and see each refused."""
    answers: list[int] = []
    page.on("response", lambda response: answers.append(response.status) if response.url.startswith(up.ui) else None)
    page.goto(website)
    expect(page).to_have_title("refused")
    while len(answers) < REQUESTS:
        page.wait_for_event("response")
    assert set(answers) == {403}


def _of_docs(run: dict[str, Any]) -> bool:
    """Not of one that the daemon starts: it may be seen at the same time."""
    return bool(run["tags"].get("dagster/partition") == "acme/docs")


def _seen(what: Locator) -> None:
    expect(what).to_be_visible()


def _its_job_has_the_run(page: Page, up: Up) -> None:
    """Also one of the command line."""
    (run,) = (run for run, found in up.runs().items() if found["jobName"] == "refresh")
    page.goto(f"{up.ui}/locations/git_contrib/jobs/refresh/runs")
    _seen(page.get_by_role("link", name=run[:8]))


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
