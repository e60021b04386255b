"""What the API says about the snapshot and about itself."""

import catalogue_rows
import httpx
import pytest
from catalogue_rows import BEARER

from api.kit.answers import RequestKey
from api.kit.settings import Settings
from api.main import create_app
from git_contrib_assets.serving.contract import catalogue
from git_contrib_assets.serving.contract.contributors import PUBLICATION

SERVED = {"contributors": "20170704T0600Z-made", "catalogue": "20170704T0600Z-listed"}


async def test_meta(client):
    """Snapshot, rows of every published table, coverage, definitions, links that lead somewhere."""
    body = (await client.get("/v1/meta")).json()
    assert body["snapshot"] == "20170704T0600Z-made"
    assert body["built_at"] == body["checked_at"] == "2017-07-04T06:00:00Z"
    assert (body["identity"], body["emails"], body["emails_not_asked"]) == ("partial", 12, 3)
    assert list(body["rows"]) == [table.name for table in PUBLICATION.all_tables]
    assert body["rows"]["repositories"] == body["coverage"]["repositories"] == 8
    assert body["coverage"]["states"] == {
        "complete": 4,
        "empty": 1,
        "emptied": 0,
        "pending": 1,
        "failed": 1,
        "vanished": 1,
    }
    assert [(item["repository"], item["reason"]) for item in body["coverage"]["not_complete"]] == [
        ("acme/again", None),
        ("acme/failed", "history_unavailable"),
        ("acme/pending", None),
    ]
    for link in body["links"].values():
        assert (await client.get(link)).status_code == 200


async def test_meta_names_every_publication(client):
    """The private one only to whoever bears the token."""
    public = (await client.get("/v1/meta")).json()
    assert [(one["name"], one["snapshot"]) for one in public["publications"]] == list(SERVED.items())
    assert public["publications"][1]["rows"] == {"repositories": 7, "owners": 2, "repository_names": 7, "snapshot": 1}
    everything = (await client.get("/v1/meta", headers=BEARER)).json()
    assert everything["publications"][:2] == public["publications"]
    assert [one["name"] for one in everything["publications"][2:]] == ["catalogue_private"]
    assert everything["publications"][2]["rows"]["repositories"] == 11
    assert "private" not in str(public["publications"])


async def test_a_new_catalogue_changes_meta(own_client, published, tables):
    """By another ETag, though the counts are the same."""
    published.publish("one", tables)
    seen = [await own_client.get("/v1/meta")]
    for name in ("a", "b"):
        published.other(catalogue.PUBLICATION).publish(name, catalogue_rows.public_tables())
        seen.append(await own_client.get("/v1/meta", headers={"if-none-match": seen[-1].headers["etag"]}))
    assert [answer.status_code for answer in seen] == [200, 200, 200]
    assert [len(answer.json()["publications"]) for answer in seen] == [1, 2, 2]


async def test_any_publication_makes_it_ready(own_client, published, tables):
    """The catalogue alone, too; the private one does not count, and is not told of."""
    assert (await own_client.get("/readyz")).status_code == 503
    published.other(catalogue.PRIVATE_PUBLICATION).publish("hidden", catalogue_rows.private_tables())
    assert (await own_client.get("/readyz")).status_code == 503
    published.other(catalogue.PUBLICATION).publish("listed", catalogue_rows.public_tables())
    body = (await own_client.get("/readyz")).json()
    assert body == {"status": "ready", "snapshot": "listed", "publications": {"catalogue": "listed"}}
    published.publish("counted", tables)
    body = (await own_client.get("/readyz")).json()
    assert body["publications"] == {"contributors": "counted", "catalogue": "listed"}
    assert body["snapshot"] == "counted"
    assert "hidden" not in (await own_client.get("/metrics")).text


async def test_check_changes_meta_only(own_client, published, tables):
    """A later check is told at once, by another ETag; one of another snapshot is not ours."""
    published.publish("one", tables)
    before = await own_client.get("/v1/meta")
    list_before = await own_client.get("/v1/repositories")
    published.checked("another", "2017-07-05T06:00:00+00:00")
    assert (await own_client.get("/v1/meta")).json()["checked_at"] == "2017-07-04T06:00:00Z"
    published.checked("one", "2017-07-05T08:00:00+02:00")
    after = await own_client.get("/v1/meta", headers={"if-none-match": before.headers["etag"]})
    assert after.status_code == 200
    assert after.json()["checked_at"] == "2017-07-05T06:00:00Z"
    tag = list_before.headers["etag"]
    assert (await own_client.get("/v1/repositories", headers={"if-none-match": tag})).status_code == 304


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"snapshot_id": "one"}', '{"snapshot_id": "one", "checked_at": 1}']
)
async def test_broken_check_file(own_client, published, tables, content):
    """The snapshot's own word holds then."""
    published.publish("one", tables)
    (published.folder / "checked.json").write_text(content)
    assert (await own_client.get("/v1/meta")).json()["checked_at"] == "2017-07-04T06:00:00Z"


PATHS_AS_OF = ["/v1/meta", "/v1/repositories", "/v1/new-contributors?min=1", "/v1/repositories.csv", "/"]


async def test_a_check_makes_everything_as_of_a_later_time(own_client, published, tables):
    """In headers, in JSON and on the page, also in what is kept; an earlier time of the file does not count."""
    published.publish("one", tables)
    published.checked("one", "2017-07-04T06:00:00Z", as_of="2017-07-03T05:00:00Z")
    seen: set[str] = set()
    for told in (4, 6, 9):
        if told > 4:
            published.checked("one", f"2017-07-0{told}T06:00:00Z", as_of=f"2017-07-0{told}T05:00:00Z")
        tags = set()
        for path in PATHS_AS_OF * 2:
            answer = await own_client.get(path)
            assert answer.headers["x-as-of"] == f"2017-07-0{told}T05:00:00Z", path
            if path.startswith("/v1") and "csv" not in path:
                assert answer.json()["as_of"] == f"2017-07-0{told}T05:00:00Z", path
            if path == "/":
                assert f'<time datetime="2017-07-0{told}T05:00:00Z">{told} Jul 2017, 05:00 UTC</time>' in answer.text
            tags.add(answer.headers["etag"])
        assert len(tags) == len(PATHS_AS_OF)
        assert not tags & seen
        seen |= tags


async def test_a_check_ends_what_is_cached_by_request(published, tables):
    """That cache needs no look at the link, and still tells no time older than a check that another request saw."""
    published.publish("one", tables)
    app = create_app(Settings(published=published.folder, look_every_seconds=3600))
    store = app.state.store
    key = RequestKey("/v1/repositories", b"", b"*/*", b"identity")
    plain = {"accept-encoding": "identity"}
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test", headers=plain) as client:
        for told in ("2017-07-04T05:00:00Z", "2017-07-06T05:00:00Z"):
            for _ in range(2):
                assert (await client.get("/v1/repositories")).headers["x-as-of"] == told
            assert store.current().snapshot.cache.find(key) is not None
            published.checked("one", "2017-07-06T06:00:00Z", as_of="2017-07-06T05:00:00Z")
            store._looked_at = float("-inf")
            await client.get("/readyz")
    store.close()


async def test_as_of_of_a_snapshot_without_one(own_client, published):
    """The check's own then."""
    published.publish("empty", {}, as_of=None)
    assert (await own_client.get("/v1/meta")).json()["as_of"] is None
    published.checked("empty", "2017-07-05T06:00:00Z", as_of="2017-07-05T05:00:00Z")
    assert (await own_client.get("/v1/meta")).json()["as_of"] == "2017-07-05T05:00:00Z"


async def test_health_and_readiness(client):
    """Both are for machines: never kept."""
    for path, body in (
        ("/healthz", {"status": "ok"}),
        ("/readyz", {"status": "ready", "snapshot": "20170704T0600Z-made", "publications": SERVED}),
    ):
        answer = await client.get(path)
        assert (answer.status_code, answer.json()) == (200, body)
        assert answer.headers["cache-control"] == "no-store"


async def test_problem_types_have_a_page(client, problem_of):
    """The `type` of a problem leads to what it means."""
    kind = (await client.get("/v1/nothing")).json()["type"]
    assert (await client.get(kind)).json()["meaning"]
    problem_of(await client.get("/problems/none"), 404, "not-found")


@pytest.mark.parametrize(
    "path",
    [
        "/api/repos?page_size=100",
        "/v1/new-contributors?page_size=1000",
        "/v1/new-contributors/summary",
        "/v1/repositories",
        "/v1/repositories.csv",
        "/v1/repositories/acme/anvil",
        "/v1/repositories/acme/anvil/new-contributors/2016-02",
        "/v1/contributors/new.csv?from=2016-01",
        "/v1/repositories/acme/nothing",
        "/metrics",
        "/v1/meta",
        "/readyz",
        "/v1/owners",
        "/v1/owners.csv",
        "/v1/exports/repositories.csv",
        "/catalogue",
    ],
)
async def test_no_address_of_a_person_or_a_disk(client, made_snapshot, path):
    """No answer holds an e-mail address or a path of the machine."""
    text = (await client.get(path)).text
    assert "@" not in text
    assert str(made_snapshot.folder.parent) not in text
    assert ".duckdb" not in text
