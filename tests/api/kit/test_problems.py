"""Every error has the same shape, on every route."""

import duckdb
import httpx
import pytest
from api_routes import ROUTES, V1_ROUTES

from api.kit.settings import Settings
from api.main import create_app

SNAPSHOT_ROUTES = ["/api/repos", *V1_ROUTES, "/readyz"]
ALL_ROUTES = [*ROUTES, "/docs", "/openapi.json"]


@pytest.mark.parametrize("path", SNAPSHOT_ROUTES)
async def test_every_route_works(client, path):
    """These addresses exist; otherwise the tests below would prove nothing."""
    assert (await client.get(path)).status_code == 200


@pytest.mark.parametrize("path", SNAPSHOT_ROUTES)
async def test_without_a_snapshot(own_client, problem_of, path):
    """503, the reason, and when to come back."""
    body = problem_of(await own_client.get(path), 503, "no-snapshot")
    assert "Nothing has been published yet" in body["detail"]
    assert (await own_client.get("/healthz")).status_code == 200


@pytest.mark.parametrize("path", V1_ROUTES)
async def test_unknown_parameter(client, problem_of, path):
    """An unknown parameter is refused, even at an address without parameters."""
    body = problem_of(await client.get(path, params={"colour": "red"}), 400, "invalid-parameter")
    assert [(error["parameter"], error["value"]) for error in body["errors"]] == [("colour", "red")]


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("repo", "repository"),
        ("page-size", "page_size"),
        ("form", "from"),
        ("minimum", "min"),
        ("per_page", "page_size"),
        ("limit", "page_size"),
        ("since", "from"),
    ],
)
async def test_unknown_parameter_near_a_known_one(client, problem_of, given, meant):
    """The one meant is named."""
    body = problem_of(await client.get("/v1/new-contributors", params={given: "1"}), 400, "invalid-parameter")
    assert body["errors"][0]["message"] == f"is not a parameter here. Did you mean {meant}?"
    assert body["detail"].endswith(f"Did you mean {meant}?")


@pytest.mark.parametrize("path", ["/v1/new-contributors", "/v1/new-contributors.csv", "/v1/repositories"])
async def test_a_format_is_no_parameter(client, problem_of, path):
    """Where it is told instead."""
    body = problem_of(await client.get(path, params={"format": "csv"}), 400, "invalid-parameter")
    assert (
        body["errors"][0]["message"] == "is not a parameter here. Put the format at the end of the address, as in .csv"
    )


@pytest.mark.parametrize("path", ALL_ROUTES)
async def test_methods(client, problem_of, path):
    """The API is read-only."""
    for method in ("POST", "DELETE", "OPTIONS"):
        answer = await client.request(method, path)
        problem_of(answer, 405, "method-not-allowed")
        assert answer.headers["allow"] == "GET, HEAD"


@pytest.mark.parametrize("path", ["/v2", "/v1/repositories/acme", "/static/none.js", "/v1/new-contributors/", "/%00"])
async def test_no_such_address(client, problem_of, path):
    """404 in the same shape, below the static files too."""
    problem_of(await client.get(path), 404, "not-found")


async def test_slow_query_is_stopped(published, tables, problem_of, until_open):
    """A bound on time holds for every cursor."""
    published.publish("one", tables)
    app = create_app(Settings(published=published.folder, query_seconds=0.5))
    await until_open(app.state.store)
    async with app.state.store.lease() as lease:
        with pytest.raises(duckdb.InterruptException):
            lease.snapshot.run("select sum(a.range * b.range) from range(1000000) a, range(1000000) b")

    def slow() -> None:
        raise duckdb.InterruptException("stopped")

    app.add_api_route("/slow", slow)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        problem_of(await client.get("/slow"), 503, "query-too-slow")
    app.state.store.close()
