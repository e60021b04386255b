"""The client: paging, redirects, retries, and where the token goes."""

import asyncio
import traceback
from datetime import UTC, datetime
from email.utils import format_datetime
from importlib.metadata import version

import httpx
import pytest
from github_answers import answer
from github_scene import API, GRAPHQL, TOKEN, GitHubScene, github_settings

from git_contrib_assets.errors import GitContribError, GitHubUnavailable, LimitReached, NotAllowed, TokenRefused
from git_contrib_assets.logs import configure_logs
from git_contrib_assets.sources.github.client import CONCURRENCY, GitHubClient, QueryTooHeavy, explain
from git_contrib_assets.sources.github.transfer import Patience

RESET = {"x-ratelimit-limit": "5000", "x-ratelimit-remaining": "0"}


def tokens(httpx_mock):
    """Where each request went, and whether with the token."""
    return [(request.url.host, request.headers.get("authorization")) for request in httpx_mock.get_requests()]


async def all_pages(scene, path="/orgs/acme/repos", parameters=None):
    return [page async for page in scene.client.pages(path, parameters or {})]


@pytest.fixture
def scene():
    return GitHubScene()


# What is sent


async def test_it_says_who_it_is_and_which_version_it_speaks(scene, httpx_mock):
    httpx_mock.add_response(json=[])
    await scene.client.get("/x")
    (request,) = httpx_mock.get_requests()
    assert request.headers["user-agent"] == f"git-contrib/{version('git-contrib')}"
    assert request.headers["x-github-api-version"] == "2022-11-28"
    assert request.headers["accept"] == "application/vnd.github+json"
    assert request.headers["authorization"] == f"Bearer {TOKEN}"


async def test_without_a_token_there_is_no_authorization(httpx_mock):
    httpx_mock.add_response(json=[])
    scene = GitHubScene(token=None)
    await scene.client.get("/x")
    assert not scene.client.signed_in
    assert tokens(httpx_mock) == [("api.github.com", None)]


async def test_the_graphql_host_gets_the_token_too(httpx_mock):
    settings = github_settings(
        api_url="https://ghe.acme.test/api/v3", graphql_url="https://graph.acme.test/api/graphql"
    )
    scene = GitHubScene(settings=settings)
    httpx_mock.add_response(json={"data": {}})
    await scene.client.graphql("query{}")
    await asyncio.sleep(0)
    assert tokens(httpx_mock) == [("graph.acme.test", f"Bearer {TOKEN}")]


async def test_every_request_is_counted(scene, httpx_mock):
    httpx_mock.add_response(status_code=502)
    httpx_mock.add_response(status_code=301, headers={"location": f"{API}/y"})
    httpx_mock.add_response(json=[])
    await scene.client.get("/x")
    assert scene.budget.requests == 3


async def test_only_so_many_requests_are_on_their_way_at_once(scene, httpx_mock):
    together = most = 0

    async def reply(request):
        nonlocal together, most
        together += 1
        most = max(most, together)
        for _ in range(5):
            await asyncio.sleep(0)
        together -= 1
        return httpx.Response(200, json=[])

    httpx_mock.add_callback(reply, is_reusable=True)
    await asyncio.gather(*(scene.client.get(f"/x{number}") for number in range(30)))
    assert most == CONCURRENCY


# Pages


async def test_pages_follow_the_link_and_nothing_else(scene, httpx_mock):
    """The address of a page is GitHub's to choose: it is taken as it is."""
    second = f"{API}/organizations/900/repos?per_page=100&after=Y3Vyc29y%3D%3D"
    httpx_mock.add_response(
        url=f"{API}/orgs/acme/repos?per_page=100&type=public",
        json=[1],
        headers={"link": f'<{second}>; rel="next", <{API}/last>; rel="last"'},
    )
    httpx_mock.add_response(url=second, json=[2], headers={"link": f'<{API}/first>; rel="first"'})
    pages = await all_pages(scene, parameters={"type": "public"})
    assert [page.json() for page in pages] == [[1], [2]]


async def test_a_relative_link_is_followed(scene, httpx_mock):
    httpx_mock.add_response(
        url=f"{API}/orgs/acme/repos?per_page=100", json=[1], headers={"link": '</next>; rel="next"'}
    )
    httpx_mock.add_response(url=f"{API}/next", json=[2])
    assert len(await all_pages(scene)) == 2


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.test/orgs/acme/repos?page=2",
        "http://api.github.com/orgs/acme/repos?page=2",
        "https://api.github.com:444/orgs/acme/repos?page=2",
        "https://api.github.com@evil.test/repos?page=2",
        "https://api.github.com.evil.test/repos?page=2",
        "//evil.test/repos?page=2",
        "ftp://api.github.com/x",
        "https://[bad/x",
        "https://api.github.com:port/x",
    ],
)
async def test_a_link_that_leads_elsewhere_is_not_followed(scene, httpx_mock, elsewhere):
    """What came is still handed out; then there is an error, and not a byte is sent there."""
    httpx_mock.add_response(json=[1], headers={"link": f'<{elsewhere}>; rel="next"'})
    pages = scene.client.pages("/orgs/acme/repos", {})
    assert (await anext(pages)).json() == [1]
    with pytest.raises(GitHubUnavailable, match="next page"):
        await anext(pages)
    assert len(httpx_mock.get_requests()) == 1


async def test_a_bad_page_ends_the_list(scene, httpx_mock):
    httpx_mock.add_response(json=[1], headers={"link": f'<{API}/2>; rel="next"'})
    httpx_mock.add_response(
        status_code=422, json=answer("pagination_is_limited"), headers={"link": f'<{API}/3>; rel="next"'}
    )
    assert [page.status_code for page in await all_pages(scene)] == [200, 422]


@pytest.mark.parametrize("link", [None, f'<{API}/first>; rel="first"'])
async def test_after_a_full_page_without_a_link_the_next_is_asked(scene, httpx_mock, link):
    """Absence of a link is no sign of the end: only a page that is not full is."""
    for number, rows in ((1, 100), (2, 100), (3, 50)):
        page = "" if number == 1 else f"&page={number}"
        body = [100 * number + row for row in range(rows)]
        httpx_mock.add_response(
            url=f"{API}/orgs/acme/repos?per_page=100{page}", json=body, headers={"link": link} if link else {}
        )
    assert [len(page.json()) for page in await all_pages(scene)] == [100, 100, 50]


async def test_a_page_that_is_not_full_is_the_last(scene, httpx_mock):
    httpx_mock.add_response(json=[1] * 99)
    assert len(await all_pages(scene)) == 1


async def test_a_server_that_gives_the_same_page_again_and_again_is_not_believed(scene, httpx_mock):
    """It may not know the parameter: whether there is more cannot be told."""
    httpx_mock.add_response(json=[1] * 100, is_reusable=True)
    with pytest.raises(GitHubUnavailable, match=r"orgs/acme/repos.*same page"):
        await all_pages(scene)
    assert scene.budget.requests == 2


# Redirects


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_renamed_repository_is_followed(scene, httpx_mock, status):
    httpx_mock.add_response(
        url=f"{API}/repos/acme/old",
        status_code=status,
        headers={"location": f"{API}/repositories/101"},
        json=answer("moved_permanently"),
    )
    httpx_mock.add_response(url=f"{API}/repositories/101", json=answer("repository"))
    assert (await scene.client.get("/repos/acme/old")).json()["id"] == 101
    assert tokens(httpx_mock) == [("api.github.com", f"Bearer {TOKEN}")] * 2


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.test/x", "http://api.github.com/x", "https://api.github.com:8443/x"]
)
async def test_a_redirect_elsewhere_never_carries_the_token(scene, httpx_mock, elsewhere):
    httpx_mock.add_response(url=f"{API}/x", status_code=302, headers={"location": elsewhere})
    httpx_mock.add_response(url=elsewhere, json=[])
    await scene.client.get("/x")
    assert [authorization for _, authorization in tokens(httpx_mock)] == [f"Bearer {TOKEN}", None]


async def test_redirects_in_circles_end(scene, httpx_mock):
    httpx_mock.add_response(status_code=301, headers={"location": f"{API}/x"}, is_reusable=True)
    with pytest.raises(GitHubUnavailable, match="circles"):
        await scene.client.get("/x")
    assert scene.budget.requests < 10


@pytest.mark.parametrize(
    "location", ["https://[bad", "https://api.github.com:port/", "https://\x7f/", "file:///etc/passwd", "mailto:x"]
)
async def test_a_redirect_to_nowhere_is_an_error_of_ours(scene, httpx_mock, location):
    httpx_mock.add_response(url=f"{API}/x", status_code=301, headers={"location": location}, is_reusable=True)
    with pytest.raises(GitHubUnavailable):
        await scene.client.get("/x")


async def test_a_redirect_without_a_place_is_a_reply(scene, httpx_mock):
    httpx_mock.add_response(status_code=301)
    assert (await scene.client.get("/x")).status_code == 301


# Waiting and trying again


async def test_what_is_being_computed_is_asked_again_every_half_minute(scene, httpx_mock):
    httpx_mock.add_response(status_code=202, json={})
    httpx_mock.add_response(status_code=202, json={})
    httpx_mock.add_response(json=[1])
    assert (await scene.client.get("/x")).json() == [1]
    assert scene.time.slept == [30, 30]


async def test_what_is_never_computed_is_handed_back(scene, httpx_mock):
    httpx_mock.add_response(status_code=202, json={}, is_reusable=True)
    assert (await scene.client.get("/x")).status_code == 202
    assert len(scene.time.slept) == 20


@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_a_server_error_is_tried_again_with_growing_waits(scene, httpx_mock, status):
    for _ in range(3):
        httpx_mock.add_response(status_code=status, html="<h1>Unicorn!</h1>")
    httpx_mock.add_response(json=[1])
    assert (await scene.client.get("/x")).json() == [1]
    first, second, third = scene.time.slept
    assert 0 < first < second < third < 10


async def test_server_errors_to_the_end_are_unavailable(scene, httpx_mock):
    httpx_mock.add_response(status_code=502, is_reusable=True)
    with pytest.raises(GitHubUnavailable, match="502") as caught:
        await scene.client.get("/orgs/acme/repos?secret=query")
    assert "/orgs/acme/repos" in str(caught.value)
    assert "query" not in str(caught.value)
    assert scene.budget.requests == 5


async def test_a_server_that_says_when_is_believed(scene, httpx_mock):
    httpx_mock.add_response(status_code=503, headers={"retry-after": "120"})
    httpx_mock.add_response(json=[])
    await scene.client.get("/x")
    assert scene.time.slept == [120]


@pytest.mark.parametrize(
    "error",
    [
        httpx.ConnectError("refused"),
        httpx.ConnectTimeout("slow"),
        httpx.ReadTimeout("slow"),
        httpx.RemoteProtocolError("server disconnected"),
        httpx.ReadError(""),
        httpx.ProxyError("407"),
        httpx.DecodingError("incorrect header check"),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_no_answer_is_tried_again_and_then_unavailable(scene, httpx_mock, error):
    httpx_mock.add_exception(error, is_reusable=True)
    with pytest.raises(GitHubUnavailable, match=type(error).__name__):
        await scene.client.get("/x")
    assert scene.budget.requests == 5
    assert scene.budget.buckets["core"].in_flight == 0


async def test_a_limit_is_waited_out_and_the_request_sent_again(scene, httpx_mock):
    reset = str(int(scene.time()) + 100)
    httpx_mock.add_response(
        status_code=403, json=answer("primary_limit"), headers={**RESET, "x-ratelimit-reset": reset}
    )
    httpx_mock.add_response(json=[1])
    assert (await scene.client.get("/x")).json() == [1]
    assert sum(scene.time.slept) == pytest.approx(101)
    assert len(scene.said) == 1


async def test_a_limit_beyond_the_bound_stops(httpx_mock):
    scene = GitHubScene(max_wait=99.0)
    httpx_mock.add_response(status_code=429, headers={"retry-after": "100"})
    with pytest.raises(LimitReached) as caught:
        await scene.client.get("/x")
    assert caught.value.seconds == 100


async def test_limits_without_end_stop(httpx_mock):
    """However short GitHub says they are."""
    scene = GitHubScene(max_wait=10**9)
    httpx_mock.add_response(status_code=403, headers={"retry-after": "1"}, is_reusable=True)
    with pytest.raises(LimitReached):
        await scene.client.get("/x")
    assert scene.budget.requests <= 20


async def test_when_one_is_limited_the_others_hold_still(scene, httpx_mock):
    """Eight at once, the first is limited: the rest of thirty is sent after the pause."""
    times = []

    async def reply(request):
        times.append(scene.time.elapsed)
        if len(times) == 1:
            return httpx.Response(429, headers={"retry-after": "50"})
        await asyncio.sleep(0)
        return httpx.Response(200, json=[])

    scene.budget.sleep = scene.time.sleep
    httpx_mock.add_callback(reply, is_reusable=True)
    await scene.time.run(*(scene.client.get(f"/x{number}") for number in range(30)))
    assert len(times) == 31
    assert times.count(0.0) <= CONCURRENCY
    assert {time for time in times if time} == {50.0}
    assert len(scene.said) == 1


@pytest.mark.parametrize("name", ["sso_required", "not_accessible_by_token", "blocked_tos", "list_too_large"])
async def test_a_refusal_is_asked_once(scene, httpx_mock, name):
    httpx_mock.add_response(status_code=403, json=answer(name), headers={"x-ratelimit-remaining": "100"})
    assert (await scene.client.get("/x")).status_code == 403
    assert scene.time.slept == []


async def test_a_cancelled_request_is_in_flight_no_more(scene, httpx_mock):
    sent = asyncio.Event()

    async def never(request):
        sent.set()
        await asyncio.Event().wait()

    httpx_mock.add_callback(never)
    task = asyncio.create_task(scene.client.get("/x"))
    await sent.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert scene.budget.buckets["core"].in_flight == 0


# Credentials


@pytest.mark.parametrize(
    ("status", "name"),
    [(401, "bad_credentials"), (401, "requires_authentication"), (403, "login_attempts_exceeded")],
)
@pytest.mark.parametrize("ask", [lambda client: client.get("/x"), lambda client: client.graphql("query{}")])
async def test_a_refused_token_is_never_tried_again(scene, httpx_mock, status, name, ask):
    httpx_mock.add_response(status_code=status, json=answer(name))
    with pytest.raises(NotAllowed, match="GITHUB_TOKEN") as caught:
        await ask(scene.client)
    assert TOKEN not in str(caught.value)
    assert scene.budget.requests == 1
    assert scene.time.slept == []


@pytest.mark.parametrize("content", [b"", b"{}", b"<html>"])
async def test_a_401_without_a_reason_is_tried_again(scene, httpx_mock, content):
    """GitHub gives one at random."""
    httpx_mock.add_response(status_code=401, content=content)
    httpx_mock.add_response(json=[1])
    assert (await scene.client.get("/x")).json() == [1]


async def test_a_query_is_asked_again_after_a_401_without_a_reason(scene, httpx_mock):
    """It is not too heavy, and so not to be halved."""
    httpx_mock.add_response(status_code=401, content=b"{}")
    httpx_mock.add_response(json={"data": {"x": 1}})
    assert await scene.client.graphql("query{}") == ({"x": 1}, [])


@pytest.mark.parametrize("ask", [lambda client: client.get("/x"), lambda client: client.graphql("query{}")])
@pytest.mark.parametrize("content", [b"", b"{}", b"<html>", b'{"message": ""}', b'{"message": "Unauthorized"}'])
async def test_a_401_to_the_end_is_a_refused_token(scene, httpx_mock, content, ask):
    """Whatever it says: to call the repository unavailable would mark it for what the token did."""
    httpx_mock.add_response(status_code=401, content=content, is_reusable=True)
    with pytest.raises(TokenRefused, match=r"401.*GITHUB_TOKEN") as caught:
        await ask(scene.client)
    assert caught.value.exit_code == 5
    assert scene.budget.requests <= 3


async def test_a_server_that_wants_a_token_is_told_apart(httpx_mock):
    """Enterprise Server may answer nobody without one."""
    httpx_mock.add_response(status_code=401, json={"message": "Must authenticate to access this API."})
    with pytest.raises(TokenRefused, match=r"wants a token .*Must authenticate.*set GITHUB_TOKEN"):
        await GitHubScene(token=None).client.get("/x")


@pytest.mark.parametrize(
    "reply",
    [
        {"status_code": 502, "text": f"echo: Authorization: Bearer {TOKEN}"},
        {"status_code": 200, "json": [], "headers": {"link": '<https://evil.test/2>; rel="next"'}},
        {"status_code": 301, "headers": {"location": f"{API}/orgs/acme/repos"}},
        {"status_code": 401, "json": {"message": "Bad credentials"}},
        {"status_code": 429, "headers": {"retry-after": "99999"}},
    ],
    ids=lambda reply: str(reply["status_code"]),
)
async def test_no_message_holds_the_token(scene, httpx_mock, reply):
    httpx_mock.add_response(**reply, is_reusable=True)
    with pytest.raises(GitContribError) as caught:
        await all_pages(scene)
    causes, error = [], caught.value
    while error:
        causes.append(f"{error} {error!r}")
        error = error.__cause__ or error.__context__
    assert TOKEN not in " ".join(causes + scene.said + [repr(github_settings())])


@pytest.mark.parametrize("planted", [TOKEN, "no-shape-of-a-token", "ann@example.com"])
@pytest.mark.parametrize("ask", [lambda client: client.get("/x"), lambda client: client.graphql("query{}")])
async def test_what_a_library_repeats_is_not_told(httpx_mock, planted, ask):
    """Some of its errors hold the header that they could not send. A traceback shows them as causes."""
    scene = GitHubScene(token=TOKEN if planted == TOKEN else "no-shape-of-a-token")
    text = f"Illegal header value b'Bearer {planted}'"
    httpx_mock.add_exception(httpx.LocalProtocolError(text), is_reusable=True)
    with pytest.raises(GitHubUnavailable) as caught:
        await ask(scene.client)
    assert planted not in "".join(traceback.format_exception(caught.value))
    assert "LocalProtocolError" in str(caught.value)


@pytest.mark.parametrize("proxy", ["gopher://ann:hunter2@proxy.test:1", "socks9://ann:hunter2@proxy.test"])
def test_a_proxy_that_cannot_be_used_is_said_without_its_password(monkeypatch, proxy):
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    with pytest.raises(GitHubUnavailable, match="HTTPS_PROXY") as caught:
        GitHubClient(github_settings(), GitHubScene().budget)
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))


NASTY = "\x1b[31m[/red]\r\nnext\x07 line \u202e\x00 ann@example.com "


async def test_what_github_says_is_one_short_printable_line():
    """It is shown on terminals, and kept in Dagster's history once for every place that mentions it."""
    said = explain(httpx.Response(403, json={"message": NASTY + "x" * 1_000_000}))
    assert said.startswith("403 [31m[/red] next line [redacted] xxx")
    assert said.isprintable()
    assert len(said) <= 204
    assert explain(httpx.Response(403, json={"message": ["no", "text"]})) == "403 ['no', 'text']"


@pytest.mark.parametrize(
    "reply",
    [
        {"status_code": 401, "json": {"message": NASTY * 10_000}},
        {"status_code": 502, "json": {"message": NASTY * 10_000}},
        {"status_code": 200, "json": [], "headers": {"link": f'<https://{"x" * 5000}.test/2>; rel="next"'}},
        {"status_code": 301, "headers": {"location": f"https://{'x' * 5000}.test/2"}},
    ],
    ids=lambda reply: str(reply["status_code"]),
)
@pytest.mark.parametrize("path", ["/orgs/acme/repos", f"/{'x' * 5000}"], ids=["short", "long"])
async def test_no_error_is_longer_than_a_few_lines(scene, httpx_mock, reply, path):
    httpx_mock.add_response(**reply, is_reusable=True)
    with pytest.raises(GitContribError) as caught:
        await all_pages(scene, path)
    assert len(str(caught.value)) < 900
    assert str(caught.value).isprintable()


async def test_what_github_says_of_single_sign_on_is_passed_on():
    url = "https://github.com/orgs/acme/sso?authorization_request=A1"
    response = httpx.Response(403, json=answer("sso_required"), headers={"x-github-sso": f"required; url={url}"})
    assert url in explain(response)
    assert "SAML" in explain(response)
    assert explain(httpx.Response(403, text="<html>")) == "403"


# GraphQL


async def test_a_query_gives_data_and_errors(scene, httpx_mock):
    httpx_mock.add_response(
        method="POST", url=GRAPHQL, match_json={"query": "query{x}"}, json=answer("graphql_not_found")
    )
    data, errors = await scene.client.graphql("query{x}")
    assert data["r0"] is None
    assert errors[0]["type"] == "NOT_FOUND"
    assert scene.budget.buckets["graphql"].in_flight == 0


@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_a_query_that_is_too_heavy_is_not_sent_again_as_it_is(scene, httpx_mock, status):
    httpx_mock.add_response(status_code=status, html="<html>")
    with pytest.raises(QueryTooHeavy):
        await scene.client.graphql("query{}")
    assert scene.time.slept == []


async def test_a_query_that_times_out_is_too_heavy(scene, httpx_mock):
    httpx_mock.add_exception(httpx.ReadTimeout("10 s"))
    with pytest.raises(QueryTooHeavy):
        await scene.client.graphql("query{}")


async def test_a_limited_query_is_sent_again(scene, httpx_mock):
    """Its status is 200."""
    reset = str(int(scene.time()) + 100)
    httpx_mock.add_response(json=answer("graphql_rate_limited"), headers={**RESET, "x-ratelimit-reset": reset})
    httpx_mock.add_response(json={"data": {"x": 1}})
    assert await scene.client.graphql("query{}") == ({"x": 1}, [])
    assert sum(scene.time.slept) == pytest.approx(101)


@pytest.mark.parametrize(("came", "error"), [(0, QueryTooHeavy), (3, GitHubUnavailable)])
async def test_a_reply_that_drips_is_given_up(httpx_mock, came, error):
    """By REST after two tries, by GraphQL after one; without a single byte it is too heavy, as a timeout is."""
    scene = GitHubScene(patience=Patience(seconds=0.05, bytes_per_second=1000.0))

    async def drip(request):
        async def body():
            for _ in range(came):
                await asyncio.sleep(0)
                yield b"x"
            await asyncio.Event().wait()
            yield b""

        return httpx.Response(200, content=body())

    httpx_mock.add_callback(drip, is_reusable=True)
    for ask in (scene.client.get("/x"), scene.client.graphql("query{}")):
        with pytest.raises(GitHubUnavailable, match=f"{came} bytes came") as caught:
            await ask
        assert type(caught.value) is error
    assert scene.budget.requests == 2 + 1
    assert scene.budget.buckets["core"].in_flight == 0


async def test_a_query_that_is_not_allowed(scene, httpx_mock):
    httpx_mock.add_response(status_code=403, json=answer("not_accessible_by_token"))
    with pytest.raises(NotAllowed, match="not accessible"):
        await scene.client.graphql("query{}")


@pytest.mark.parametrize(
    "reply",
    [
        {"status_code": 404},
        {"status_code": 200, "text": "<html>"},
        {"status_code": 200, "json": []},
        {"status_code": 301},
    ],
    ids=str,
)
async def test_a_reply_that_is_no_graphql(scene, httpx_mock, reply):
    httpx_mock.add_response(**reply)
    with pytest.raises(GitHubUnavailable):
        await scene.client.graphql("query{}")


@pytest.mark.parametrize("body", [{}, {"data": None}, {"data": [], "errors": {}}, {"data": "x", "errors": "y"}])
async def test_a_reply_of_an_odd_shape_is_empty(scene, httpx_mock, body):
    httpx_mock.add_response(json=body)
    assert await scene.client.graphql("query{}") == ({}, [])


# What can be heard of it


async def test_the_time_is_githubs(scene, httpx_mock):
    """A clock of ours that is ten years ahead is not believed once GitHub told the time."""
    moment = datetime(2023, 5, 6, 7, 8, 9, tzinfo=UTC)
    assert scene.client.github_time() == datetime.fromtimestamp(scene.time(), UTC).replace(tzinfo=None)
    httpx_mock.add_response(json=[], headers={"date": format_datetime(moment, usegmt=True)})
    await scene.client.get("/x")
    assert scene.client.github_time() == moment.replace(tzinfo=None)


async def test_with_vv_every_request_is_logged_without_its_query(scene, httpx_mock, capsys):
    httpx_mock.add_response(status_code=502)
    httpx_mock.add_response(json=[])
    httpx_mock.add_response(json={"data": {}})
    configure_logs(2)
    try:
        await scene.client.get("/repos/acme/anvil/commits", {"secret": "query"})
        await scene.client.graphql("query{}")
    finally:
        configure_logs(0)
    first, _, second, third = capsys.readouterr().err.splitlines()
    assert "event='request' method='GET' path='/repos/acme/anvil/commits' status='502' seconds=0.0" in first
    assert "status='200'" in second
    assert "method='POST' path='/graphql' status='200'" in third
    assert "query" not in first + second


async def test_with_v_a_request_that_is_sent_again_is_logged_with_its_data(scene, httpx_mock, capsys):
    httpx_mock.add_response(status_code=502, headers={"x-github-request-id": "AB12:34\x1b[31m"})
    httpx_mock.add_response(status_code=403, headers={"retry-after": "30", "x-github-request-id": "CD56"})
    httpx_mock.add_response(json=[])
    configure_logs(1)
    try:
        await scene.client.get("/repos/acme/anvil/commits", {"secret": "query"})
    finally:
        configure_logs(0)
    retry, limited = capsys.readouterr().err.splitlines()
    assert "event='retry' request='GET /repos/acme/anvil/commits' attempt=1 cause='status 502'" in retry
    assert "request_id='AB12:34" in retry
    assert "\x1b" not in retry
    assert "until='2023-11-14T" in retry
    assert "event='limited' path='/repos/acme/anvil/commits'" in limited
    assert "request_id='CD56'" in limited
    assert scene.budget.retries == 1


async def test_without_v_no_request_is_logged(scene, httpx_mock, capsys):
    httpx_mock.add_response(json=[])
    await scene.client.get("/x")
    assert capsys.readouterr() == ("", "")
