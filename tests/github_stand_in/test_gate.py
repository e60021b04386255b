"""Tokens, versions of the API, and the log of requests."""

import httpx
from stand_in_helpers import web

from github_stand_in.server import StandIn


def test_asks_for_a_valid_token_and_a_user_agent(api: httpx.Client, small: StandIn) -> None:
    bad = api.get("/orgs/acme/repos", headers={"authorization": "Bearer wrong"})
    assert (bad.status_code, bad.json()["message"]) == (401, "Bad credentials")
    assert api.get("/orgs/acme/repos", headers={"user-agent": ""}).status_code == 403
    assert web.get(f"{small.api_url}/orgs/acme/repos").headers["x-ratelimit-limit"] == "60"
    assert web.get(f"{small.api_url}/user").status_code == 401
    assert api.get("/user").json()["login"] == "stand-in-user"
    assert api.get("/user", auth=("x-access-token", "owner")).json()["login"] == "ann"
    small.revoke_token("good")
    assert api.get("/user").status_code == 401


def test_knows_the_versions_of_the_api(api: httpx.Client) -> None:
    assert "rate" in api.get("/rate_limit").json()
    assert "rate" not in api.get("/rate_limit", headers={"x-github-api-version": "2026-03-10"}).json()
    assert api.get("/rate_limit", headers={"x-github-api-version": "1999-01-01"}).status_code == 400


def test_the_log_tells_everything_but_the_token(api: httpx.Client, small: StandIn) -> None:
    api.get("/orgs/acme/repos", params={"per_page": 2})
    web.get(f"{small.server_url}/acme/tools")
    (rest, page) = small.requests()
    assert {key: rest[key] for key in ("kind", "method", "path", "query", "has_token", "status")} == {
        "kind": "rest",
        "method": "GET",
        "path": "/api/v3/orgs/acme/repos",
        "query": "per_page=2",
        "has_token": True,
        "status": 200,
    }
    assert (page["kind"], page["has_token"]) == ("html", False)
    assert "good" not in str(small.requests())
    small.forget_requests()
    assert small.requests() == []
