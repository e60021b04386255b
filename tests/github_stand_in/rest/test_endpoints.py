"""Paging, redirects and conditional answers."""

import httpx
import pytest

from github_stand_in.organisation import OWNER
from github_stand_in.server import StandIn


def test_a_page_past_the_end_is_empty_and_points_back(harbor_api: httpx.Client) -> None:
    reply = harbor_api.get(f"/orgs/{OWNER}/repos", params={"per_page": 5, "page": 9})
    assert reply.json() == []
    assert set(reply.links) == {"prev", "first"}


@pytest.mark.parametrize(("per_page", "expected"), [("abc", 30), ("0", 30), ("-3", 30), ("1000", 100), ("7", 7)])
def test_reads_an_odd_page_size_as_github_does(harbor_api: httpx.Client, per_page: str, expected: int) -> None:
    assert len(harbor_api.get(f"/repos/{OWNER}/lighthouse/commits", params={"per_page": per_page}).json()) == expected


def test_a_renamed_repository_redirects_with_everything_behind_it(api: httpx.Client, small: StandIn) -> None:
    small.rename("acme/tools", "toolbox")
    reply = api.get("/repos/acme/tools/commits", params={"per_page": 2})
    assert reply.status_code == 301
    assert reply.json()["message"] == "Moved Permanently"
    followed = api.get(reply.headers["location"])
    assert len(followed.json()) == 2
    assert "/repos/acme/toolbox/" in followed.json()[0]["url"]


def test_a_known_answer_costs_nothing_and_is_bound_to_the_token(api: httpx.Client) -> None:
    first = api.get("/orgs/acme/repos")
    again = api.get("/orgs/acme/repos", headers={"if-none-match": first.headers["etag"]})
    assert again.status_code == 304
    assert again.content == b""
    assert again.headers["x-ratelimit-remaining"] == first.headers["x-ratelimit-remaining"]
    other = {"if-none-match": first.headers["etag"], "authorization": "Bearer owner"}
    assert api.get("/orgs/acme/repos", headers=other).status_code == 200
