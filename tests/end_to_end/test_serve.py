"""The API as people start it: ``git-contrib serve`` on a home, through a switch of snapshots."""

import re
import time
from collections.abc import Iterator

import httpx
import pytest
from installations import OWNER, Installation, commits

from github_stand_in.server import StandIn


@pytest.fixture
def api(installation: Installation) -> Iterator[httpx.Client]:
    serving = installation.start("serve", "--port", "0")
    try:
        assert serving.stderr
        (address,) = re.findall(r"http://127\.0\.0\.1:\d+", serving.stderr.readline())
        with httpx.Client(base_url=address, timeout=240) as client:
            deadline = time.monotonic() + 240
            while True:
                try:
                    client.get("/healthz")
                    break
                except httpx.TransportError:
                    assert serving.poll() is None, serving.communicate()
                    assert time.monotonic() < deadline
                    time.sleep(0.05)
            yield client
    finally:
        serving.terminate()
        serving.communicate(timeout=240)


def test_it_answers_before_and_after_the_first_snapshot_and_follows_the_next(
    installation: Installation, github: StandIn, api: httpx.Client
) -> None:
    assert api.get("/readyz").status_code == 503
    assert api.get("/v1/new-contributors").headers["content-type"] == "application/problem+json"
    assert installation.run("run", OWNER).returncode == 0
    assert api.get("/readyz").status_code == 200
    march = {"repository": "acme/tools", "from": "2024-03", "to": "2024-03"}
    first = api.get("/v1/new-contributors", params=march)
    assert [row["number_of_new_contributors"] for row in first.json()["items"]] == [3]
    same = api.get("/v1/new-contributors", params=march, headers={"If-None-Match": first.headers["etag"]})
    assert same.status_code == 304
    legacy = api.get("/api/repos").json()
    assert legacy["total_records"] == 3
    assert {"month": "2024-03-01", "number_of_new_contributors": 3, "repo_name": "tools"} in legacy["items"]
    github.push("acme/tools", commits("zoe", month="2024-03"))
    assert installation.run("run", OWNER).returncode == 0
    second = api.get("/v1/new-contributors", params=march, headers={"If-None-Match": first.headers["etag"]})
    assert [row["number_of_new_contributors"] for row in second.json()["items"]] == [4]
    assert api.get("/v1/meta").json()["identity"] == "account"


def test_the_demo_runs_from_nothing(installation: Installation) -> None:
    done = installation.run("demo", "--once", GITHUB_API_URL="", GITHUB_GRAPHQL_URL="", GITHUB_SERVER_URL="")
    assert done.returncode == 0, done.stderr
    assert "octo-harbor/lighthouse" in done.stdout
    assert "12 repositories (11 landed, 1 empty)" in done.stderr
