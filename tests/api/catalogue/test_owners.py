"""The owners, with and without the token."""

import csv
import io
import json

import pyarrow.parquet
import pytest
from catalogue_rows import BEARER, PLANTED, PLANTED_ID

from api.catalogue import models

PATH = "/v1/owners"


async def test_without_the_token(client):
    """Those of public repositories, with what is public about them."""
    body = (await client.get(PATH)).json()
    assert body["items"] == [
        {
            "owner": "acme",
            "id": 1,
            "type": "Organization",
            "name": "Acme & Sons",
            "repositories": 6,
            "links": {"repositories": "/v1/repositories?owner=acme"},
        },
        {
            "owner": "umbrella",
            "id": 2,
            "type": "User",
            "name": None,
            "repositories": 1,
            "links": {"repositories": "/v1/repositories?owner=umbrella"},
        },
    ]
    assert (body["snapshot"], body["as_of"]) == ("20170704T0600Z-listed", "2017-07-04T05:00:00Z")
    assert "complete_through" not in body
    models.OwnersPage.model_validate(body)
    for item in body["items"]:
        listed = (await client.get(item["links"]["repositories"])).json()["items"]
        assert {row["owner"] for row in listed} == {item["owner"]}


async def test_with_the_token(client):
    """All of them, with addresses and how much is not public."""
    body = (await client.get(PATH, headers=BEARER)).json()
    models.OwnersPage.model_validate(body)
    found = {
        item["owner"]: (item["repositories"], item["private_repositories"], item["email"]) for item in body["items"]
    }
    assert found == {
        "acme": (8, 2, f"acme@{PLANTED}.example"),
        f"only-{PLANTED}": (1, 1, f"only-{PLANTED}@{PLANTED}.example"),
        "umbrella": (2, 1, None),
    }
    assert body["snapshot"] == "20170704T0600Z-private"


@pytest.mark.parametrize("headers", [{}, BEARER], ids=["without", "with"])
async def test_all_formats_hold_the_same_rows(client, headers):
    """With the same columns in the same order."""
    items = (await client.get(PATH, headers=headers)).json()["items"]
    items = [{name: value for name, value in item.items() if name != "links"} for item in items]
    lines = (await client.get(f"{PATH}.ndjson", headers=headers)).text.splitlines()
    assert [json.loads(line) for line in lines] == items
    rows = list(csv.DictReader(io.StringIO((await client.get(f"{PATH}.csv", headers=headers)).text)))
    assert rows == [{name: "" if value is None else str(value) for name, value in item.items()} for item in items]
    table = pyarrow.parquet.read_table(io.BytesIO((await client.get(f"{PATH}.parquet", headers=headers)).content))
    assert table.to_pylist() == items
    named = (await client.get(f"{PATH}.csv", headers=headers)).headers["content-disposition"]
    assert named == 'attachment; filename="owners-2017-07-04.csv"'


@pytest.mark.parametrize(
    ("query", "owners"),
    [
        ("q=ACM", ["acme"]),
        ("type=User", ["umbrella"]),
        ("sort=-owner", ["umbrella", "acme"]),
        ("sort=repositories", ["umbrella", "acme"]),
        ("page=2&page_size=1", ["umbrella"]),
        (f"q={PLANTED}", []),
        ("q=%25", []),
    ],
)
async def test_filters_and_order(client, query, owners):
    """Part of the login, the type; a sign of a pattern is only a sign."""
    assert [item["owner"] for item in (await client.get(f"{PATH}?{query}")).json()["items"]] == owners


@pytest.mark.parametrize("sort", ["email", "private_repositories", "-email", "id"])
async def test_nobody_sorts_by_what_only_some_may_see(client, problem_of, sort):
    """Its order would tell of it."""
    problem_of(await client.get(f"{PATH}?sort={sort}"), 400, "invalid-parameter")


async def test_an_owner_who_has_nothing_public_is_not_there(client):
    """Not even by the id."""
    text = (await client.get(f"{PATH}.json")).text
    assert PLANTED not in text
    assert str(PLANTED_ID) not in text


async def test_without_a_catalogue(own_client, published, tables, problem_of):
    """It says which command makes one, whatever else is published."""
    published.publish("one", tables)
    for headers in ({}, BEARER):
        answer = await own_client.get(PATH, headers=headers)
        assert answer.status_code == 503
        assert "git-contrib catalogue" in answer.json()["detail"]
    problem_of(await own_client.get(PATH), 503, "no-snapshot")
