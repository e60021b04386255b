"""The repositories of both publications together: private ones with the token, and the catalogue alone before the first count."""

import csv
import io
import json

import catalogue_rows
import pyarrow.parquet
import pytest
from catalogue_rows import BEARER, PLANTED, PLANTED_ID, PLANTED_STARS

from api.contributors import models
from api.contributors.repositories import LIST
from api.repositories.routes import CATALOGUED
from git_contrib_assets.serving.contract import catalogue

PATH = "/v1/repositories"
PRIVATE = [f"acme/gone-{PLANTED}", f"acme/{PLANTED}", f"only-{PLANTED}/nothing", f"umbrella/internal-{PLANTED}"]


@pytest.fixture
def listed_only(published) -> None:
    """A home whose catalogue is published, and nothing of the contributors."""
    published.other(catalogue.PUBLICATION).publish("listed", catalogue_rows.public_tables())
    published.other(catalogue.PRIVATE_PUBLICATION).publish("private", catalogue_rows.private_tables())


async def test_private_ones_are_among_them(client):
    """All counted ones as they are without the token, and the private ones of the catalogue: no public one of it."""
    plain = (await client.get(f"{PATH}?sort=repository")).json()
    body = (await client.get(f"{PATH}?sort=repository", headers=BEARER)).json()
    models.RepositoriesPage.model_validate(body)
    assert [item for item in body["items"] if item["visibility"] == "public"] == plain["items"]
    assert [item["repository"] for item in body["items"] if item["visibility"] != "public"] == PRIVATE
    assert body["total_records"] == plain["total_records"] + len(PRIVATE)
    assert (body["snapshot"], body["complete_through"]) == (plain["snapshot"], plain["complete_through"])
    (one,) = [item for item in body["items"] if item["repository"] == f"acme/{PLANTED}"]
    assert one == {
        **dict.fromkeys(LIST.columns),
        "repository": f"acme/{PLANTED}",
        "owner": "acme",
        "name": PLANTED,
        "id": PLANTED_ID,
        "created": "2016-01-15",
        "archived": False,
        "fork": False,
        "stars": PLANTED_STARS,
        "language": PLANTED,
        "default_branch": PLANTED,
        "new_contributors_12m": 0,
        "new_bots_12m": 0,
        "state": "private",
        "visibility": "private",
        "links": {"self": f"{PATH}/acme/{PLANTED}", "series": None},
    }
    gone = next(item for item in body["items"] if "gone-" in item["repository"])
    assert (gone["state"], gone["state_reason"], gone["state_since"]) == ("private", PLANTED, "2017-07-04T05:00:00Z")


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("state=private&sort=repository", PRIVATE),
        ("visibility=internal", [f"umbrella/internal-{PLANTED}"]),
        ("visibility=private&sort=-stars&page_size=1", [f"only-{PLANTED}/nothing"]),
        ("visibility=private&sort=-stars&page_size=1&page=4", []),
        (f"q={PLANTED.upper()}&sort=repository", PRIVATE),
        ("owner=ACME&state=failed&state=private&sort=repository", ["acme/failed", PRIVATE[0], PRIVATE[1]]),
        ("visibility=public&state=private", []),
        ("archived=true", ["acme/empty"]),
        ("sort=-stars&page_size=2", [f"only-{PLANTED}/nothing", f"acme/gone-{PLANTED}"]),
    ],
)
async def test_filters_order_and_pages(client, query, names):
    """They are those of the public ones; without the token nothing private is found by any."""
    answer = await client.get(f"{PATH}?{query}", headers=BEARER)
    assert [item["repository"] for item in answer.json()["items"]] == names
    public = [item["repository"] for item in (await client.get(f"{PATH}?{query}")).json()["items"]]
    assert not [name for name in public if PLANTED in name]


async def test_all_formats_hold_the_same_rows(client):
    """With the token, too: the same columns, in the same order."""
    items = (await client.get(PATH, headers=BEARER)).json()["items"]
    items = [{name: value for name, value in item.items() if name != "links"} for item in items]
    lines = (await client.get(f"{PATH}.ndjson", headers=BEARER)).text.splitlines()
    assert [json.loads(line) for line in lines] == items
    rows = list(csv.DictReader(io.StringIO((await client.get(f"{PATH}.csv", headers=BEARER)).text)))
    assert [*rows[0]] == [*items[0]] == list(LIST.columns)
    assert [row["repository"] for row in rows] == [item["repository"] for item in items]
    files = [await client.get(f"{PATH}.parquet", headers=headers) for headers in ({}, BEARER)]
    without, table = (pyarrow.parquet.read_table(io.BytesIO(one.content)) for one in files)
    assert table.schema.equals(without.schema)
    assert table.column("id").to_pylist() == [item["id"] for item in items]


async def test_one(client, problem_of):
    """By its name in upper or lower case; without the token it is as unknown as any that never was."""
    body = (await client.get(f"{PATH}/ACME/{PLANTED}", headers=BEARER)).json()
    models.RepositoryAnswer.model_validate(body)
    assert (body["id"], body["state"]) == (PLANTED_ID, "private")
    assert (await client.get(f"{PATH}/acme/anvil", headers=BEARER)).json() == (
        await client.get(f"{PATH}/acme/anvil")
    ).json()
    problem_of(await client.get(f"{PATH}/acme/{PLANTED}"), 404, "unknown-repository")
    assert (await client.get(f"{PATH}/acme/nobody", headers=BEARER)).status_code == 404
    # its history is never read: there is nothing to answer
    problem_of(await client.get(f"{PATH}/acme/{PLANTED}/new-contributors", headers=BEARER), 404, "unknown-repository")


async def test_one_that_both_have_is_there_once(own_client, published, tables):
    """It turned private after it was counted, or public after it was listed: nobody can tell which."""
    published.publish("counted", tables)
    rows = [catalogue_rows.repository(1, "acme/anvil", visibility="private")]
    published.other(catalogue.PRIVATE_PUBLICATION).publish("private", catalogue_rows.private_tables(rows))
    body = (await own_client.get(f"{PATH}?q=anvil", headers=BEARER)).json()
    assert sorted(item["id"] for item in body["items"]) == [1, 7]


async def test_with_the_token_and_without_a_catalogue(own_client, published, tables):
    """What there is is answered, to nobody else."""
    published.publish("counted", tables)
    answer = await own_client.get(PATH, headers=BEARER)
    assert answer.headers["cache-control"] == "private, no-store"
    assert answer.json() == (await own_client.get(PATH)).json()


async def test_before_the_first_count(own_client, listed_only):
    """All listed ones are pending; what went before is vanished. Nothing says through when it is complete."""
    answer = await own_client.get(f"{PATH}?sort=repository")
    body = answer.json()
    models.RepositoriesPage.model_validate(body)
    assert [(item["repository"], item["state"]) for item in body["items"]] == [
        ("acme/again", "vanished"),
        ("acme/anvil", "pending"),
        ("acme/empty", "pending"),
        ("acme/fork", "pending"),
        ("acme/listed-only", "pending"),
        ("acme/pending", "pending"),
        ("umbrella/anvil", "pending"),
    ]
    assert (body["complete_through"], body["identity"], body["snapshot"]) == (None, None, "listed")
    assert "x-complete-through" not in answer.headers
    assert answer.headers["etag"]
    everything = (await own_client.get(f"{PATH}?sort=repository", headers=BEARER)).json()
    assert [item["repository"] for item in everything["items"] if item["state"] == "private"] == PRIVATE
    assert everything["total_records"] == 11
    for suffix in ("json", "csv", "ndjson", "parquet"):
        for headers in ({}, BEARER):
            assert (await own_client.get(f"{PATH}.{suffix}", headers=headers)).status_code == 200


async def test_one_before_the_first_count(own_client, listed_only, problem_of):
    """From the catalogue, too; its months are not there yet."""
    body = (await own_client.get(f"{PATH}/acme/Anvil")).json()
    models.RepositoryAnswer.model_validate(body)
    assert (body["state"], body["commits"]) == ("pending", None)
    assert (await own_client.get(f"{PATH}/acme/{PLANTED}", headers=BEARER)).json()["state"] == "private"
    problem_of(await own_client.get(f"{PATH}/acme/{PLANTED}"), 404, "unknown-repository")
    problem_of(await own_client.get(body["links"]["series"]), 503, "no-snapshot")


async def test_the_first_count_is_answered_at_once(own_client, published, tables, listed_only):
    """The catalogue's answer, asked for twice so that it would be kept, is not given any more."""
    for _ in range(2):
        assert (await own_client.get(PATH)).json()["snapshot"] == "listed"
    published.publish("counted", tables)
    for _ in range(2):
        assert (await own_client.get(PATH)).json()["snapshot"] == "counted"


async def test_a_count_that_cannot_be_read_is_not_made_up_for(own_client, published, listed_only, problem_of):
    """The catalogue would say that nothing was counted yet, which is not so."""
    published.folder.joinpath("bad.duckdb").write_text("x" * 9000)
    published.switch("bad")
    problem_of(await own_client.get(PATH), 503, "no-snapshot")


async def test_nothing_at_all(own_client, problem_of):
    """The reason is that nothing is counted: that is what the address is for."""
    body = problem_of(await own_client.get(PATH), 503, "no-snapshot")
    assert "`git-contrib run`" in body["detail"]


def test_both_selects_have_the_same_columns():
    """In the same order."""
    assert CATALOGUED.columns == LIST.columns
