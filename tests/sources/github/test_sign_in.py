"""The device flow, every way it may end, against the stand-in in fake time and against servers of odd habits."""

import itertools
import json
import math
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs

import httpx
import pytest
from fake_time import START
from pydantic import SecretStr
from sign_in_scene import CLIENT, SharedTime, build, github_in_time, oauth_server, only_code

from git_contrib_assets.errors import (
    GitContribError,
    GitHubUnavailable,
    SignInExpired,
    SignInRefused,
    TokenRefused,
)
from git_contrib_assets.logs import redact
from git_contrib_assets.sources.github.connection import USER_AGENT
from git_contrib_assets.sources.github.sign_in import DEVICE_GRANT, DeviceCode, Grant, OAuthServer
from github_stand_in.server import StandIn, running

SERVER = "https://git.example.org"
DEVICE_CODE = "0123456789abcdef0123456789abcdef01234567"
TOKEN = "gho_of_the_scripted_server"
ASKED = {
    "device_code": DEVICE_CODE,
    "user_code": "WDJB-MJHT",
    "verification_uri": f"{SERVER}/login/device",
    "expires_in": 900,
    "interval": 5,
}
GRANTED = {"access_token": TOKEN, "token_type": "bearer", "scope": "repo,read:org"}
PENDING = {"error": "authorization_pending"}


@pytest.fixture
def time() -> SharedTime:
    return SharedTime()


@pytest.fixture
def github(tmp_path: Path, time: SharedTime) -> Iterator[StandIn]:
    with github_in_time(tmp_path / "github", time) as stand_in:
        yield stand_in


async def signed_in(server: OAuthServer, *scopes: str, said: list[str] | None = None) -> Grant:
    async with server:
        code = await server.ask(scopes or ("repo", "read:org"))
        return await server.wait(code, (said if said is not None else []).append)


def pauses(polls: list[float]) -> list[float]:
    return [later - earlier for earlier, later in itertools.pairwise(polls)]


# Against the stand-in


async def test_a_person_agrees(github: StandIn, time: SharedTime) -> None:
    time.then[3] = lambda: github.approve(only_code(github), "ann")
    grant = await signed_in(oauth_server(github, time))
    assert grant.token.get_secret_value().startswith("gho_")
    assert grant.scopes == ("repo", "read:org")
    assert (grant.seconds, grant.refresh_token) == (None, None)
    assert grant.token.get_secret_value() not in repr(grant)
    (asked,) = github.oauth()["requests"]
    assert asked["polls"] == [START + 5, START + 10, START + 15]


async def test_fewer_scopes_may_be_granted(github: StandIn, time: SharedTime) -> None:
    time.then[1] = lambda: github.approve(only_code(github), "ann", scopes=["read:org"])
    assert (await signed_in(oauth_server(github, time))).scopes == ("read:org",)


async def test_tokens_may_expire_and_are_renewed(github: StandIn, time: SharedTime) -> None:
    github.oauth(token_seconds=28_800)
    time.then[1] = lambda: github.approve(only_code(github), "ann")
    first = await signed_in(oauth_server(github, time))
    assert (first.seconds, first.refresh_seconds) == (28_800, 15_811_200)
    async with oauth_server(github, time) as server:
        second = await server.renew(first.refresh_token)
        assert second.token != first.token
        assert second.refresh_token != first.refresh_token
        with pytest.raises(TokenRefused, match=r"has ended \(bad_refresh_token\): run git-contrib login") as caught:
            await server.renew(first.refresh_token)
    assert caught.value.exit_code == 5


@pytest.mark.parametrize("interval", [5, 7, 30])
async def test_it_never_asks_earlier_than_the_interval(github: StandIn, time: SharedTime, interval: int) -> None:
    """By the server's own record, from the code to its end; it never had to be told to slow down."""
    github.oauth(interval=interval)
    with pytest.raises(SignInExpired):
        await signed_in(oauth_server(github, time))
    (asked,) = github.oauth()["requests"]
    assert min(pauses([asked["asked_at"], *asked["polls"]])) >= interval
    assert asked["interval"] == interval
    assert len(asked["polls"]) == math.ceil(900 / interval) - 1


async def test_it_slows_down_as_often_as_it_is_told_to(tmp_path: Path, time: SharedTime) -> None:
    """GitHub's own command gives up at the second time; here not even a server whose clock is slow ends the sign-in."""
    with running(build(tmp_path / "github"), clock=lambda: START + 0.7 * time.elapsed) as github:
        time.then[6] = lambda: github.approve(only_code(github), "ann")
        grant = await signed_in(oauth_server(github, time))
        (asked,) = github.oauth()["requests"]
    assert grant.scopes == ("repo", "read:org")
    assert asked["interval"] == 20  # it was told three times


async def test_it_ends_when_the_code_expires(github: StandIn, time: SharedTime) -> None:
    github.oauth(expires_in=62)
    with pytest.raises(SignInExpired, match="expired before it was entered: run git-contrib login again") as caught:
        await signed_in(oauth_server(github, time))
    assert caught.value.exit_code == 4
    assert time.elapsed == 62


async def test_the_person_declines(github: StandIn, time: SharedTime) -> None:
    time.then[2] = lambda: github.deny(only_code(github))
    with pytest.raises(SignInRefused, match="declined on GitHub's page") as caught:
        await signed_in(oauth_server(github, time))
    assert caught.value.exit_code == 5
    assert time.elapsed == 10


async def test_an_app_that_nobody_knows(github: StandIn, time: SharedTime) -> None:
    with pytest.raises(SignInRefused, match=r"no OAuth app with this client id.*GIT_CONTRIB_OAUTH_CLIENT_ID"):
        await signed_in(oauth_server(github, time, "Iv1.unknown"))


async def test_an_app_that_allows_no_device_flow(github: StandIn, time: SharedTime) -> None:
    github.oauth(device_flow=False)
    with pytest.raises(SignInRefused, match=r"tick 'Enable Device Flow' at http.*/settings/developers"):
        await signed_in(oauth_server(github, time))


async def test_an_app_that_allows_it_no_more_while_we_wait(github: StandIn, time: SharedTime) -> None:
    time.then[2] = lambda: github.oauth(device_flow=False)
    with pytest.raises(SignInRefused, match="Enable Device Flow"):
        await signed_in(oauth_server(github, time))


async def test_a_code_that_the_server_has_forgotten(github: StandIn, time: SharedTime) -> None:
    code = DeviceCode(SecretStr("0" * 40), "AAAA-AAAA", "https://x", 5, 900, START + 900)
    async with oauth_server(github, time) as server:
        with pytest.raises(SignInExpired, match="does not know the code any more"):
            await server.wait(code)


async def test_no_server(time: SharedTime, unused_tcp_port: int) -> None:
    server = OAuthServer(f"http://127.0.0.1:{unused_tcp_port}", CLIENT, clock=time, sleep=time.pass_over)
    with pytest.raises(GitHubUnavailable, match="check the network and GITHUB_SERVER_URL") as caught:
        await signed_in(server)
    assert caught.value.exit_code == 1


# Against a server that answers as it likes

Script = list[httpx.Response | Exception | Callable[[], httpx.Response]]


def scripted(time: SharedTime, asked: object, *answers: object) -> OAuthServer:
    """The last answer is repeated."""
    left = [asked, *answers]

    def reply(request: httpx.Request) -> httpx.Response:
        answer = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, httpx.Response) else httpx.Response(200, json=answer)

    return OAuthServer(SERVER, CLIENT, transport=httpx.MockTransport(reply), clock=time, sleep=time.pass_over)


async def test_what_is_sent(time: SharedTime) -> None:
    """Forms, JSON wanted, our own name; nothing secret in an address."""
    sent: list[httpx.Request] = []

    def reply(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200, json=ASKED if request.url.path == "/login/device/code" else GRANTED)

    transport = httpx.MockTransport(reply)
    await signed_in(
        OAuthServer(SERVER, CLIENT, transport=transport, clock=time, sleep=time.pass_over), "repo", "user:email"
    )
    asked, polled = sent
    assert [str(one.url) for one in sent] == [f"{SERVER}/login/device/code", f"{SERVER}/login/oauth/access_token"]
    for one in sent:
        assert one.method == "POST"
        assert one.headers["accept"] == "application/json"
        assert one.headers["user-agent"] == USER_AGENT
        assert one.headers["content-type"] == "application/x-www-form-urlencoded"
        assert "authorization" not in one.headers
    assert parse_qs(asked.content.decode()) == {"client_id": [CLIENT], "scope": ["repo user:email"]}
    form = {"client_id": [CLIENT], "device_code": [DEVICE_CODE], "grant_type": [DEVICE_GRANT]}
    assert parse_qs(polled.content.decode()) == form


@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 422])
async def test_the_error_decides_and_not_the_status(time: SharedTime, status: int) -> None:
    """The RFC's servers answer 400 where GitHub answers 200."""
    pending = httpx.Response(status, json=PENDING)
    assert (await signed_in(scripted(time, ASKED, pending, pending, GRANTED))).scopes == ("repo", "read:org")
    denied = httpx.Response(status, json={"error": "access_denied"})
    with pytest.raises(SignInRefused):
        await signed_in(scripted(time, ASKED, denied))


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        ("expired_token", SignInExpired, "expired"),
        ("token_expired", SignInExpired, "expired"),
        ("incorrect_device_code", SignInExpired, "login again"),
        ("invalid_grant", SignInExpired, "login again"),
        ("access_denied", SignInRefused, "declined"),
        ("device_flow_disabled", SignInRefused, "Enable Device Flow"),
        ("incorrect_client_credentials", SignInRefused, "client id"),
        ("invalid_client", SignInRefused, "client id"),
        ("unauthorized_client", SignInRefused, "client id"),
        ("unsupported_grant_type", GitHubUnavailable, "does not offer sign-in by code.*--with-token"),
        ("server_error", GitHubUnavailable, r"server_error, no reason given\): run git-contrib login again later"),
        ("\x1b[31mred\n" * 100, GitHubUnavailable, r"ended the sign-in \(\[31mred"),
    ],
)
async def test_every_error_has_a_sentence(
    time: SharedTime, error: str, kind: type[GitContribError], words: str
) -> None:
    for server in (scripted(time, ASKED, {"error": error}), scripted(time, {"error": error})):
        with pytest.raises(kind, match=words) as caught:
            await signed_in(server)
        assert type(caught.value) is kind
        assert str(caught.value).isprintable()
        assert len(str(caught.value)) < 700


@pytest.mark.parametrize("told", [{}, {"interval": 1}, {"interval": "many"}, {"interval": None}])
async def test_slow_down_adds_five_seconds_at_least(time: SharedTime, told: dict[str, object]) -> None:
    slow = {"error": "slow_down", **told}
    await signed_in(scripted(time, ASKED, slow, slow, PENDING, GRANTED))
    assert time.slept == pytest.approx([5, 12, 21, 21])


async def test_slow_down_may_name_a_longer_interval(time: SharedTime) -> None:
    await signed_in(scripted(time, ASKED, {"error": "slow_down", "interval": 60}, GRANTED))
    assert time.slept == pytest.approx([5, 72])


ODD = [
    httpx.Response(200, text="<html>Sign in to this network</html>"),
    httpx.Response(200, content=b""),
    httpx.Response(200, json=[]),
    httpx.Response(200, content=b"[" * 60_000),
    httpx.Response(200, content=b"x" * 70_000),
    httpx.Response(200, content=b'"' + b"\xff" * 10 + b'"'),
    httpx.Response(302, headers={"location": "https://elsewhere.example/"}),
    httpx.Response(502, text="Bad Gateway"),
    httpx.Response(500, json={}),
    httpx.ConnectError("no route to host"),
    httpx.ReadTimeout("too late"),
]


@pytest.mark.parametrize("odd", ODD, ids=range(len(ODD)))
async def test_an_odd_answer_to_the_first_question_ends_it(time: SharedTime, odd: object) -> None:
    with pytest.raises(GitHubUnavailable, match="did not answer properly"):
        await signed_in(scripted(time, odd))
    assert time.slept == []


@pytest.mark.parametrize(
    "odd", [*ODD, {}, {"access_token": ""}, {"access_token": 7}, {"access_token": "a b"}], ids=range(15)
)
async def test_an_odd_answer_later_is_asked_again_less_often(time: SharedTime, odd: object) -> None:
    said: list[str] = []
    grant = await signed_in(scripted(time, ASKED, odd, odd, PENDING, GRANTED), said=said)
    assert grant.token.get_secret_value() == TOKEN
    assert time.slept == [5, 10, 20, 5]
    assert len(said) == 2
    assert said[0].startswith(f"{SERVER} did not answer properly (")
    assert said[0].endswith("): next try in 10 s")


@pytest.mark.parametrize("status", [401, 403, 404, 422])
async def test_a_refusal_without_a_word_is_about_the_app(time: SharedTime, status: int) -> None:
    with pytest.raises(SignInRefused, match="no OAuth app with this client id"):
        await signed_in(scripted(time, httpx.Response(status, text="<html>Not Found</html>")))


async def test_a_network_that_stays_away_ends_with_the_code(time: SharedTime) -> None:
    with pytest.raises(GitHubUnavailable, match="no route to host"):
        await signed_in(scripted(time, ASKED, httpx.ConnectError("no route to host")))
    assert time.elapsed == 900
    assert max(time.slept) == 60


@pytest.mark.parametrize(
    "change",
    [
        {"device_code": None},
        {"device_code": ""},
        {"device_code": 7},
        {"user_code": None},
        {"user_code": ""},
        {"user_code": "A" * 65},
        {"user_code": "AB\x1b[2J"},
        {"verification_uri": None},
        {"verification_uri": "javascript:alert(1)"},
        {"verification_uri": "https://git.example.org/\n\nenter your password"},
        {"verification_uri": "https://" + "x" * 300},
    ],
)
async def test_a_code_that_is_none_is_not_shown(time: SharedTime, change: dict[str, object]) -> None:
    with pytest.raises(GitHubUnavailable, match="an answer without"):
        await signed_in(scripted(time, {**ASKED, **change}, GRANTED))


@pytest.mark.parametrize(
    ("told", "interval"),
    [
        ({}, 5),
        ({"interval": 8}, 8),
        ({"interval": "8"}, 8),
        ({"interval": 5.5}, 5.5),
        ({"interval": 0.01}, 1),
        ({"interval": 0}, 5),
        ({"interval": -3}, 5),
        ({"interval": None}, 5),
        ({"interval": "soon"}, 5),
        ({"interval": True}, 5),
        ({"interval": [5]}, 5),
        ({"interval": "nan"}, 5),
        ({"interval": "9" * 400}, 5),
    ],
)
async def test_an_interval_of_nonsense_is_the_usual_one(
    time: SharedTime, told: dict[str, object], interval: float
) -> None:
    asked = {name: value for name, value in ASKED.items() if name != "interval"}
    await signed_in(scripted(time, {**asked, **told}, GRANTED))
    assert time.slept == [interval]


@pytest.mark.parametrize("expires_in", [None, 0, -1, "never", "inf", [1]])
async def test_without_a_time_to_expire_it_ends_after_fifteen_minutes(time: SharedTime, expires_in: object) -> None:
    with pytest.raises(SignInExpired):
        await signed_in(scripted(time, {**ASKED, "expires_in": expires_in}, PENDING))
    assert time.elapsed == 900


async def test_an_interval_longer_than_the_code_lives_is_kept(time: SharedTime) -> None:
    """It never asks earlier, so it never asks."""
    with pytest.raises(SignInExpired):
        await signed_in(scripted(time, {**ASKED, "interval": 10**9}, GRANTED))
    assert time.slept == [900]


@pytest.mark.parametrize(
    ("told", "seconds"),
    [({"expires_in": 28_800}, 28_800), ({"expires_in": 1e300}, 315_360_000), ({"expires_in": 0}, None), ({}, None)],
)
async def test_how_long_a_token_is_valid(time: SharedTime, told: dict[str, object], seconds: float | None) -> None:
    assert (await signed_in(scripted(time, ASKED, {**GRANTED, **told}))).seconds == seconds


@pytest.mark.parametrize("scope", ["repo,read:org", "repo read:org", " repo , read:org "])
async def test_scopes_come_with_commas_or_spaces(time: SharedTime, scope: str) -> None:
    assert (await signed_in(scripted(time, ASKED, {**GRANTED, "scope": scope}))).scopes == ("repo", "read:org")


async def test_a_refresh_token_that_fits_into_no_form_is_left_out(time: SharedTime) -> None:
    grant = await signed_in(scripted(time, ASKED, {**GRANTED, "expires_in": 60, "refresh_token": "a b"}))
    assert (grant.seconds, grant.refresh_token) == (60, None)


async def test_nothing_secret_is_in_what_is_said(time: SharedTime) -> None:
    """A server that repeats what it was sent."""
    echo = {"error": "odd", "error_description": f"what is {DEVICE_CODE}?"}
    with pytest.raises(GitHubUnavailable) as caught:
        await signed_in(scripted(time, ASKED, httpx.ConnectError(f"at {DEVICE_CODE}"), echo))
    told = "".join(traceback.format_exception(caught.value)) + redact(json.dumps(GRANTED))
    assert DEVICE_CODE not in told
    refresh = SecretStr("ghr_refresh_token_of_a_test")
    async with scripted(time, {"error": refresh.get_secret_value()}) as server:
        with pytest.raises(TokenRefused) as refused:
            await server.renew(refresh)
    assert refresh.get_secret_value() not in str(refused.value)


@pytest.mark.parametrize("odd", ODD[:3], ids=range(3))
async def test_a_renewal_that_is_not_answered_is_no_refusal(time: SharedTime, odd: object) -> None:
    async with scripted(time, odd) as server:
        with pytest.raises(GitHubUnavailable):
            await server.renew(SecretStr("ghr_x"))
