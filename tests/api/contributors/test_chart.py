"""The pictures for READMEs: well-formed, the numbers of the JSON, in both themes, and nothing in them can run."""

import pytest
from pictures import SVG, drawn

SUMMARY = "/v1/new-contributors/summary.svg"
SERIES = "/v1/repositories/acme/anvil/new-contributors.svg"


@pytest.mark.parametrize(
    ("query", "title", "in_all"),
    [
        ("", "acme and umbrella", "34"),
        ("?forks=true", "acme and umbrella", "38"),
        ("?bots=false", "acme and umbrella", "33"),
        ("?repository=acme/anvil&repository=fork", "acme/anvil and acme/fork", "27"),
        ("?repository=acme/anvil&repository=fork&repository=acme/failed", "3 repositories", "29"),
        ("?repository=acme/anvil&from=2017-05&to=2017-06", "acme/anvil", "6"),
    ],
)
async def test_the_filters_are_those_of_the_json(client, query, title, in_all):
    """The same rows, drawn."""
    root = await drawn(client, SUMMARY + query)
    assert root.find(f"{SVG}title").text == f"New contributors of {title}"
    assert root.find(f"{SVG}desc").text.startswith(f"{in_all} new contributors from ")
    items = (await client.get(SUMMARY.removesuffix(".svg") + query)).json()["items"]
    assert sum(item["number_of_new_contributors"] for item in items) == int(in_all)


@pytest.mark.parametrize(
    ("address", "status", "kind"),
    [
        ("/v1/repositories/acme/anvli/new-contributors.svg", 404, "unknown-repository"),
        (f"{SUMMARY}?repository=nothing", 404, "unknown-repository"),
        (f"{SUMMARY}?theme=sepia", 400, "invalid-parameter"),
        (f"{SERIES}?forks=true", 400, "invalid-parameter"),
        (f"{SERIES}?from=2017-02&to=2017-01", 400, "invalid-parameter"),
        ("/v1/new-contributors.svg", 404, "not-found"),
    ],
)
async def test_failures_are_problems(client, problem_of, address, status, kind):
    """As everywhere in the API."""
    problem_of(await client.get(address), status, kind)
