"""ETags, compression and the headers that every answer has."""

import pytest

ROUTES = ["/api/repos", "/v1/new-contributors", "/v1/repositories.csv", "/v1/repositories/acme/anvil", "/v1/meta"]


@pytest.mark.parametrize("path", ROUTES)
async def test_not_modified(client, path):
    """A client that has the answer gets 304 without a body; lists of tags and strong forms of a weak tag match, too."""
    answer = await client.get(path)
    tag = answer.headers["etag"]
    assert answer.headers["cache-control"] == "public, max-age=300, stale-while-revalidate=1800"
    for asked in (tag, f'"other", {tag}', tag.removeprefix("W/"), "*"):
        again = await client.get(path, headers={"if-none-match": asked})
        assert (again.status_code, again.content) == (304, b"")
        for name in ("etag", "cache-control", "vary"):
            assert again.headers[name] == answer.headers[name]
    other = await client.get(path, headers={"if-none-match": '"other"'})
    assert (other.status_code, other.content) == (200, answer.content)


async def test_order_of_parameters_does_not_matter(client):
    """They ask for the same, and get the same bytes."""
    one = await client.get("/v1/new-contributors?min=1&page_size=3")
    two = await client.get("/v1/new-contributors?page_size=3&min=1")
    three = await client.get("/v1/new-contributors?page_size=3&min=2")
    assert one.headers["etag"] == two.headers["etag"] != three.headers["etag"]
    assert one.content == two.content


async def test_order_of_the_values_of_one_parameter_matters(client):
    """It decides which of them counts: neither answer is the other's, and each names its own address."""
    for path, counts in (("/api/repos", 0), ("/v1/new-contributors", 1)):
        for pages in ([3, 1], [1, 3]):
            query = f"page={pages[0]}&page_size=1&page={pages[1]}"
            assert (await client.get(f"{path}?{query}")).json()["page"] == pages[counts]
    series = "/v1/new-contributors/summary"
    for months in (["2016-01", "2017-01"], ["2017-01", "2016-01"]):
        answer = await client.get(f"{series}?from={months[0]}&interval=month&from={months[1]}")
        assert answer.json()["items"][0]["date"] == f"{months[1]}-01"
        assert answer.json()["links"]["self"] == f"{series}?from={months[0]}&from={months[1]}&interval=month"


async def test_a_new_snapshot_has_new_etags(own_client, published, tables):
    """Answers from an older snapshot are not served again."""
    published.publish("one", tables)
    tag = (await own_client.get("/v1/repositories")).headers["etag"]
    published.publish("two", tables)
    answer = await own_client.get("/v1/repositories", headers={"if-none-match": tag})
    assert answer.status_code == 200
    assert answer.json()["snapshot"] == answer.headers["x-snapshot"] == "two"


@pytest.mark.parametrize(
    ("accept", "compressed"),
    [
        ("gzip", True),
        ("br, gzip;q=0.5", True),
        ("gzip;q=0", False),
        ("identity", False),
        ("*", True),
        ("*, gzip;q=0", False),
        ("*;q=0, gzip", True),
    ],
)
async def test_compression(client, accept, compressed):
    """Over a kilobyte, for those who take it; Parquet and small answers never."""
    answer = await client.get("/v1/repositories", headers={"accept-encoding": accept})
    assert (answer.headers.get("content-encoding") == "gzip") == compressed
    assert answer.json()["total_records"] == 8
    for path in ("/v1/repositories.parquet", "/v1/repositories/acme/fork"):
        small = await client.get(path, headers={"accept-encoding": accept})
        assert "content-encoding" not in small.headers


async def test_kept_answers_are_those_that_were_given(client):
    """The second answer comes another way: the same bytes and headers, but for the id of the request."""
    for path in ("/v1/new-contributors?min=2", "/v1/repositories", "/v1/repositories/acme/anvil/new-contributors.csv"):
        for headers in ({}, {"accept-encoding": "gzip"}, {"accept": "text/csv", "accept-encoding": "identity"}):
            first, second = [await client.get(path, headers=headers) for _ in range(2)]
            assert first.status_code == second.status_code == 200
            assert first.content == second.content
            assert first.headers.pop("x-request-id") != second.headers.pop("x-request-id")
            assert sorted(first.headers.items()) == sorted(second.headers.items())
        given = await client.get(path, headers={"x-request-id": "mine"})
        assert given.headers["x-request-id"] == "mine"
        tag = given.headers["etag"]
        assert (await client.get(path, headers={"if-none-match": tag})).status_code == 304
        head = await client.head(path)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-length"] == given.headers["content-length"]
