"""Queries are checked, counted and refused as GitHub does."""

import pytest
from stand_in_helpers import ask, web

from github_stand_in.server import StandIn


@pytest.mark.parametrize(
    "query",
    [
        "{",
        "{nothing}",
        '{repository(owner:"acme"){name}}',
        '{repository(owner:"acme",name:"tools"){object(expression:"main"){... on Bot{login}}}}',
        "{viewer{...missing}}",
        "query($a:Nothing){viewer{login}}",
    ],
)
def test_a_wrong_query_is_refused_as_a_whole(small: StandIn, query: str) -> None:
    reply = ask(small, query)
    assert reply["errors"]
    assert "data" not in reply


def test_needs_a_token(small: StandIn) -> None:
    for headers in ({}, {"authorization": "bearer wrong"}):
        assert web.post(small.graphql_url, json={"query": "{viewer{login}}"}, headers=headers).status_code == 401
    assert ask(small, "{viewer{login databaseId}}", "owner")["data"]["viewer"]["login"] == "ann"
    for body in ("{", "[]", "{}"):
        reply = web.post(small.graphql_url, content=body, headers={"authorization": "bearer good"})
        assert reply.status_code == 400


def test_a_used_up_limit_is_a_good_reply_with_an_error(small: StandIn) -> None:
    small.limits(graphql=2)
    replies = [ask(small, "{rateLimit{limit remaining used}}") for _ in range(3)]
    assert replies[1]["data"]["rateLimit"] == {"limit": 2, "remaining": 0, "used": 2}
    assert replies[2]["errors"][0]["type"] == "RATE_LIMITED"
    assert web.get(f"{small.api_url}/rate_limit", auth=("x", "good")).json()["resources"]["core"]["used"] == 0
