"""Repositories by their names."""

import pytest

PATH = "/v1/new-contributors"


@pytest.mark.parametrize(
    "name",
    [
        "'; drop table x; --",
        "\u0000",
        "a" * 201,
        "100%",
        "\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"),
    ],
)
async def test_strange_names(client, problem_of, name):
    """A name is only ever compared."""
    answer = await client.get("/v1/new-contributors", params={"repository": name})
    assert answer.status_code in {400, 404}
    problem_of(answer, answer.status_code, answer.json()["type"].rpartition("/")[2])


@pytest.mark.parametrize("name", ["acme/fork", "fork", "FORK", "Acme/Fork"])
async def test_names_of_a_repository(client, name):
    """A short name will do where one repository has it; case does not matter; forks are in the list."""
    items = (await client.get(PATH, params={"repository": name})).json()["items"]
    assert {item["repository"] for item in items} == {"acme/fork"}


async def test_ambiguous_short_name(client, problem_of):
    """The candidates are named."""
    body = problem_of(await client.get(f"{PATH}?repository=anvil"), 400, "invalid-parameter")
    assert body["near"] == ["acme/anvil", "umbrella/anvil"]
    assert body["errors"] == [
        {
            "parameter": "repository",
            "message": "is the name of several repositories: use acme/anvil or umbrella/anvil",
            "value": "anvil",
        }
    ]


async def test_name_taken_again_means_the_living_repository(client):
    """A vanished repository's name may have been given to another."""
    items = (await client.get(f"{PATH}?repository=acme/again")).json()["items"]
    assert [item["date"] for item in items] == ["2017-07-01"]
