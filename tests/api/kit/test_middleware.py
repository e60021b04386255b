"""What happens to every request."""

import logging

import httpx
import pytest

from api.main import create_app


async def test_head(client):
    """The headers of GET without its body."""
    get = await client.get("/v1/repositories")
    head = await client.head("/v1/repositories")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == get.headers["content-length"]
    assert head.headers["etag"] == get.headers["etag"]


async def test_documentation_is_compressed(client):
    """It is the largest thing we send."""
    for path in ("/openapi.json", "/static/vendor/swagger-ui/swagger-ui.css"):
        assert (await client.get(path)).headers["content-encoding"] == "gzip"


@pytest.mark.parametrize(("given", "kept"), [("abc-1.2_3", True), ("a b", False), ("x" * 65, False)])
async def test_request_id(client, given, kept):
    """Taken when it is harmless, made otherwise."""
    for path in ("/healthz", "/v1/meta", "/nothing"):
        answer = await client.get(path, headers={"x-request-id": given})
        assert (answer.headers["x-request-id"] == given) == kept


async def test_other_origins(client):
    """Any page may read the API, and its headers; a preflight is answered."""
    answer = await client.get("/v1/meta", headers={"origin": "https://example.org"})
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "ETag" in answer.headers["access-control-expose-headers"]
    assert "access-control-allow-credentials" not in answer.headers
    preflight = await client.options("/v1/meta", headers={"access-control-request-method": "GET"})
    assert preflight.status_code == 204
    assert preflight.headers["access-control-allow-methods"] == "GET, HEAD"


async def test_every_request_is_logged(client, caplog):
    """With its id, also one that is answered from what is kept, and one that fails."""
    with caplog.at_level(logging.INFO, "git_contrib.api"):
        for path in ("/v1/repositories", "/v1/repositories", "/nothing"):
            answer = await client.get(path, headers={"x-request-id": f"id-{path.strip('/').replace('/', '-')}"})
            said = caplog.records[-1].msg
            assert said["request_id"] == answer.headers["x-request-id"]
            assert (said["method"], said["path"], said["status"]) == ("GET", path, answer.status_code)
            assert said["milliseconds"] >= 0
    assert len([one for one in caplog.records if one.msg["event"] == "request"]) == 3


async def test_unforeseen_error(made_settings, problem_of, caplog):
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
    (said,) = [one.msg for one in caplog.records if one.msg["event"] == "request failed"]
    assert said["request_id"] == "asked-by-me"
    assert "secret of the house" in said["exception"]
