"""The shape of what the REST API answers."""

from datetime import UTC, datetime

import httpx

from github_stand_in.server import NewCommit, StandIn


def test_says_who_the_account_is_or_that_there_is_none(api: httpx.Client, small: StandIn) -> None:
    small.link("cleo@example.invalid", None)
    small.push("acme/tools", [NewCommit("dee", "dee@example.invalid", datetime(2025, 5, 5, tzinfo=UTC))])
    commits = {
        entry["commit"]["author"]["name"]: entry["author"] for entry in api.get("/repos/acme/tools/commits").json()
    }
    assert commits["ann"]["id"] == 11
    assert commits["bob"]["type"] == "Bot"
    assert commits["cleo"] == {}
    assert commits["dee"] is None
