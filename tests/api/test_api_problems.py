"""Every failure has one shape, on every route."""

import duckdb
import httpx
import pytest

from api.main import create_app
from api.settings import Settings

SORT_MESSAGE = "must be a comma list of date, repository, number_of_new_contributors; a leading - turns the order round"
V1_ROUTES = [
    "/v1/new-contributors",
    "/v1/new-contributors.csv",
    "/v1/new-contributors/summary",
    "/v1/new-contributors/summary.csv",
    "/v1/repositories",
    "/v1/repositories.parquet",
    "/v1/repositories/acme/anvil",
    "/v1/repositories/acme/anvil/new-contributors",
    "/v1/repositories/acme/anvil/new-contributors.csv",
    "/v1/repositories/acme/anvil/new-contributors/2016-02",
    "/v1/repositories/acme/anvil/new-contributors/2016-02.csv",
    "/v1/contributors/new",
    "/v1/contributors/new.ndjson",
    "/v1/meta",
]
SNAPSHOT_ROUTES = ["/api/repos", *V1_ROUTES, "/readyz"]
ALL_ROUTES = [*SNAPSHOT_ROUTES, "/healthz", "/metrics", "/docs", "/openapi.json"]


@pytest.mark.parametrize("path", SNAPSHOT_ROUTES)
async def test_every_route_works(client, path):
    """The routes listed here exist; otherwise the tests below would pass for nothing."""
    assert (await client.get(path)).status_code == 200


@pytest.mark.parametrize("path", SNAPSHOT_ROUTES)
async def test_without_a_snapshot(own_client, problem_of, path):
    """503, the reason, and when to come back."""
    body = problem_of(await own_client.get(path), 503, "no-snapshot")
    assert "Nothing has been published yet" in body["detail"]
    assert (await own_client.get("/healthz")).status_code == 200


@pytest.mark.parametrize("path", V1_ROUTES)
async def test_unknown_parameter(client, problem_of, path):
    """A parameter that is not known is refused, also where there are none."""
    body = problem_of(await client.get(path, params={"colour": "red"}), 400, "invalid-parameter")
    assert [(error["parameter"], error["value"]) for error in body["errors"]] == [("colour", "red")]


@pytest.mark.parametrize(
    ("given", "meant"), [("repo", "repository"), ("page-size", "page_size"), ("form", "from"), ("minimum", "min")]
)
async def test_unknown_parameter_near_a_known_one(client, problem_of, given, meant):
    """The one meant is named."""
    body = problem_of(await client.get("/v1/new-contributors", params={given: "1"}), 400, "invalid-parameter")
    assert body["errors"][0]["message"] == f"is not a parameter here: did you mean {meant}?"


@pytest.mark.parametrize(
    ("path", "parameter", "value", "message"),
    [
        ("/v1/new-contributors", "page_size", "5000", "must be a whole number between 1 and 1000"),
        ("/v1/new-contributors", "page_size", "ten", "must be a whole number between 1 and 1000"),
        ("/v1/new-contributors", "page", "0", "must be a whole number between 1 and 1000000000"),
        ("/v1/new-contributors", "page", "9" * 5000, "must be a whole number between 1 and 1000000000"),
        ("/v1/new-contributors", "min", "-1", "must be a whole number between 0 and 9007199254740991"),
        ("/v1/new-contributors", "from", "2016", "must be a month as YYYY-MM or YYYY-MM-DD"),
        ("/v1/new-contributors", "from", "2016-13", "must be a month as YYYY-MM or YYYY-MM-DD"),
        ("/v1/new-contributors", "to", "0000-01", "must be a month as YYYY-MM or YYYY-MM-DD"),
        ("/v1/new-contributors", "to", "2016-02-30", "must be a month as YYYY-MM or YYYY-MM-DD"),
        (
            "/v1/new-contributors.csv",
            "sort",
            "date; drop table x",
            SORT_MESSAGE,
        ),
        ("/v1/new-contributors/summary", "forks", "perhaps", "must be true or false"),
        ("/v1/new-contributors/summary", "interval", "week", "must be one of 'month', 'quarter', 'year'"),
        ("/v1/new-contributors", "repository", "", "must not be empty"),
        ("/v1/repositories", "q", "x" * 101, "must be at most 100 characters long"),
        ("/v1/repositories", "archived", "maybe", "must be true or false"),
    ],
)
async def test_bad_values(client, problem_of, path, parameter, value, message):
    """400, and each says what would be right."""
    body = problem_of(await client.get(path, params={parameter: value}), 400, "invalid-parameter")
    assert body["errors"] == [{"parameter": parameter, "message": message, "value": value[:100]}]


async def test_all_bad_parameters_are_told_at_once(client, problem_of):
    """Nobody wants to find them one by one."""
    answer = await client.get("/v1/new-contributors?from=2017-02&to=2017-01&page=x&foo=1")
    body = problem_of(answer, 400, "invalid-parameter")
    assert {error["parameter"] for error in body["errors"]} == {"to", "page", "foo"}


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


async def test_unforeseen_error(made_settings, problem_of, monkeypatch, caplog):
    """500 tells nothing of the error; the log has it, under the id the caller got."""
    app = create_app(made_settings)

    def broken() -> None:
        raise RuntimeError("secret of the house")

    app.add_api_route("/broken", broken)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        answer = await client.get("/broken", headers={"x-request-id": "asked-by-me"})
    body = problem_of(answer, 500, "internal-error")
    assert "secret" not in answer.text
    assert body["request_id"] == "asked-by-me"
    assert any(getattr(record, "request_id", "") == "asked-by-me" and record.exc_info for record in caplog.records)


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
