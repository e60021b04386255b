"""Repositories: the list, one, and its series."""

from datetime import datetime

import pytest

from api.contributors.repositories import LIST

PATH = "/v1/repositories"


async def test_one_is_exact(client):
    """Twelve whole months: the running month is not one of them."""
    answer = await client.get(f"{PATH}/Acme/ANVIL")
    assert answer.json() == {
        "repository": "acme/anvil",
        "owner": "acme",
        "name": "anvil",
        "id": 1,
        "created": "2016-01-15",
        "archived": False,
        "fork": False,
        "stars": 10,
        "language": "Python",
        "default_branch": "main",
        "first_commit_month": "2016-02-01",
        "last_commit_month": "2017-07-01",
        "commits": 90,
        "new_contributors": 23,
        "new_bots": 1,
        "new_contributors_12m": 16,
        "new_bots_12m": 0,
        "state": "complete",
        "state_reason": None,
        "state_since": "2017-01-01T00:00:00Z",
        "collected_at": "2017-07-04T05:06:07Z",
        "tip": "0" * 39 + "1",
        "visibility": "public",
        "links": {
            "self": "/v1/repositories/acme/anvil",
            "series": "/v1/repositories/acme/anvil/new-contributors",
        },
        "snapshot": "20170704T0600Z-made",
        "as_of": "2017-07-04T05:00:00Z",
        "complete_through": "2017-06-30",
        "identity": "partial",
        "definition_version": 1,
    }


async def test_one_without_a_commit_has_no_month_of_one(client):
    """Null, and not the month of the build."""
    for name in ("empty", "pending"):
        body = (await client.get(f"{PATH}/acme/{name}")).json()
        assert (body["commits"], body["first_commit_month"], body["last_commit_month"]) == (0, None, None)


async def test_a_commit_of_the_future_counts_in_the_month_of_the_build(own_client, published, tables):
    """As it does in the series."""
    for row in tables["repositories"]:
        row["first_commit_at"], row["last_commit_at"] = datetime(2017, 7, 1), datetime(2031, 1, 1)  # noqa: DTZ001
    published.publish("one", tables)
    body = (await own_client.get(f"{PATH}/acme/anvil")).json()
    assert (body["first_commit_month"], body["last_commit_month"]) == ("2017-07-01", "2017-07-01")


async def test_list(client):
    """Those with most newcomers in the last twelve whole months come first."""
    body = (await client.get(PATH)).json()
    assert body["total_records"] == 8
    assert [item["new_contributors_12m"] for item in body["items"]] == [16, 4, 0, 0, 0, 0, 0, 0]
    assert {*body["items"][0]} == {*LIST.columns, "links"}


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("q=ANV", ["acme/anvil", "umbrella/anvil"]),
        ("state=failed&state=pending&sort=repository", ["acme/failed", "acme/pending"]),
        ("archived=true", ["acme/empty"]),
        ("sort=-stars&page_size=2", ["acme/again", "umbrella/anvil"]),
        ("q=%25", []),
    ],
)
async def test_filters(client, query, names):
    """Part of the name, state, archived; a sign of a pattern is only a sign."""
    assert [item["repository"] for item in (await client.get(f"{PATH}?{query}")).json()["items"]] == names


async def test_series_is_whole(client):
    """Every month from the first to the running one, in one answer; `from` and `to` cut it."""
    body = (await client.get(f"{PATH}/acme/anvil/new-contributors")).json()
    assert body["total_records"] == len(body["items"]) == 19
    assert body["state"] == "complete"
    assert sum(item["number_of_new_contributors"] for item in body["items"]) == 23
    cut = (await client.get(f"{PATH}/acme/anvil/new-contributors?from=2016-03&to=2016-04")).json()
    assert cut["items"] == body["items"][2:4]


async def test_zero_is_not_unknown(client, problem_of):
    """Never collected: no rows, and it says so. Empty: zeros. Not known: 404 with a name near by."""
    pending = (await client.get(f"{PATH}/acme/pending/new-contributors")).json()
    assert (pending["items"], pending["state"]) == ([], "pending")
    empty = (await client.get(f"{PATH}/acme/empty/new-contributors")).json()
    assert {item["number_of_new_contributors"] for item in empty["items"]} == {0}
    assert empty["state"] == "empty"
    for tail in ("", "/new-contributors", "/new-contributors.csv"):
        body = problem_of(await client.get(f"{PATH}/acme/anvill{tail}"), 404, "unknown-repository")
        assert "acme/anvil" in body["near"]
        assert body["detail"] == "acme/anvill is unknown. Did you mean acme/anvil?"


async def test_unknown_without_a_name_near_by(client, problem_of):
    """No guess is better than a wild one."""
    assert problem_of(await client.get(f"{PATH}/zzz/qqq"), 404, "unknown-repository")["near"] == []
