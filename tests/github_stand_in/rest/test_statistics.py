"""Who contributed how much."""

from datetime import UTC, datetime

import httpx

from github_stand_in.server import NewCommit, StandIn


def test_statistics_come_after_a_while_and_again_after_a_push(api: httpx.Client, small: StandIn) -> None:
    path = "/repos/acme/tools/stats/contributors"
    assert [api.get(path).status_code for _ in range(2)] == [202, 200]
    (bot, ann) = api.get(path).json()
    assert (ann["author"]["login"], ann["total"], bot["author"]["type"]) == ("ann", 2, "Bot")
    assert all(datetime.fromtimestamp(week["w"], UTC).isoweekday() == 7 for week in ann["weeks"])
    small.push("acme/tools", [NewCommit("dee", "dee@example.invalid", datetime(2025, 5, 5, tzinfo=UTC))])
    assert api.get(path).status_code == 202


def test_contributors_without_account_are_shown_on_demand(api: httpx.Client) -> None:
    assert {entry["login"] for entry in api.get("/repos/acme/tools/contributors").json()} == {"ann", "helper[bot]"}
    everybody = api.get("/repos/acme/tools/contributors", params={"anon": "1"}).json()
    assert [entry["type"] for entry in everybody] == ["User", "Bot", "Anonymous"]
