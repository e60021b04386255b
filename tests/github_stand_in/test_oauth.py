"""OAuth of the stand-in: the device flow, its errors, and tokens that expire."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs

import httpx
import pytest
from fake_time import FakeTime
from stand_in_helpers import clone, web

from github_stand_in.oauth import DEVICE_GRANT, OAuthSettings, normalised
from github_stand_in.server import StandIn, running

CLIENT = OAuthSettings().client_id
JSON = {"accept": "application/json"}


@pytest.fixture
def time() -> FakeTime:
    return FakeTime()


@pytest.fixture
def server(_small_root: Path, tmp_path: Path, time: FakeTime) -> Iterator[StandIn]:
    """The small world, in fake time."""
    shutil.copytree(_small_root, tmp_path / "world")
    with running(tmp_path / "world", clock=time) as stand_in:
        stand_in.profile("ann", organisations=["acme"])
        yield stand_in


def ask(server: StandIn, scope: str = "repo read:org", **fields: str) -> dict[str, str | int]:
    form = {"client_id": CLIENT, "scope": scope, **fields}
    found: dict[str, str | int] = web.post(f"{server.server_url}/login/device/code", data=form, headers=JSON).json()
    return found


def poll(server: StandIn, device_code: object, **fields: str) -> dict[str, str | int]:
    form = {"client_id": CLIENT, "device_code": str(device_code), "grant_type": DEVICE_GRANT, **fields}
    reply = web.post(f"{server.server_url}/login/oauth/access_token", data=form, headers=JSON)
    assert reply.status_code == 200
    found: dict[str, str | int] = reply.json()
    return found


def seen_with(server: StandIn, token: object, path: str) -> httpx.Response:
    return web.get(server.api_url + path, headers={"authorization": f"Bearer {token}"})


def test_a_device_gets_a_code_for_a_person_to_enter(server: StandIn) -> None:
    asked = ask(server)
    assert re.fullmatch(r"[0-9A-F]{4}-[0-9A-F]{4}", str(asked["user_code"]))
    assert len(str(asked["device_code"])) == 40
    assert asked["verification_uri"] == f"{server.server_url}/login/device"
    assert (asked["expires_in"], asked["interval"]) == (900, 5)
    assert web.get(str(asked["verification_uri"])).status_code == 200


def test_replies_are_form_encoded_unless_json_is_asked_for(server: StandIn) -> None:
    reply = web.post(f"{server.server_url}/login/device/code", data={"client_id": CLIENT})
    assert reply.headers["content-type"].startswith("application/x-www-form-urlencoded")
    assert parse_qs(reply.text)["interval"] == ["5"]


def test_a_token_comes_once_the_person_has_agreed(server: StandIn, time: FakeTime) -> None:
    asked = ask(server)
    time.now += 5
    assert poll(server, asked["device_code"])["error"] == "authorization_pending"
    server.approve(str(asked["user_code"]), "ann")
    time.now += 5
    granted = poll(server, asked["device_code"])
    assert str(granted["access_token"]).startswith("gho_")
    assert (granted["token_type"], granted["scope"]) == ("bearer", "repo,read:org")
    assert "expires_in" not in granted
    time.now += 5
    assert poll(server, asked["device_code"])["error"] == "incorrect_device_code"  # it is good for one token
    assert [entry["polls"] for entry in server.oauth()["requests"]] == [[time.now - 10, time.now - 5]]
    me = seen_with(server, granted["access_token"], "/user")
    assert me.json()["login"] == "ann"
    assert me.headers["x-oauth-scopes"] == "repo, read:org"
    assert {entry["name"] for entry in seen_with(server, granted["access_token"], "/user/repos").json()} == {
        "tools",
        "empty",
        "secret",
        "notes",
    }


def test_the_token_is_good_for_git_too(server: StandIn, time: FakeTime, tmp_path: Path) -> None:
    asked = ask(server)
    server.approve(str(asked["user_code"]), "ann")
    time.now += 5
    token = poll(server, asked["device_code"])["access_token"]
    address = server.server_url.replace("http://", f"http://x-access-token:{token}@")
    assert clone(server, tmp_path / "stranger", "acme/secret").returncode != 0
    mine = StandIn(server.root, address, web)
    assert clone(mine, tmp_path / "mine", "acme/secret").returncode == 0


def test_who_asks_too_often_is_told_to_slow_down(server: StandIn, time: FakeTime) -> None:
    asked = ask(server)
    time.now += 4
    assert {key: poll(server, asked["device_code"])[key] for key in ("error",)} == {"error": "slow_down"}
    time.now += 9
    slower = poll(server, asked["device_code"])
    assert (slower["error"], slower["interval"]) == ("slow_down", 15)
    time.now += 15
    assert poll(server, asked["device_code"])["error"] == "authorization_pending"


def test_a_code_expires(server: StandIn, time: FakeTime) -> None:
    asked = ask(server)
    server.approve(str(asked["user_code"]), "ann")
    time.now += 900
    assert poll(server, asked["device_code"])["error"] == "expired_token"


def test_a_person_may_decline_or_grant_less(server: StandIn, time: FakeTime) -> None:
    declined, less = ask(server), ask(server)
    server.deny(str(declined["user_code"]))
    server.approve(str(less["user_code"]), "ann", scopes=["read:org"])
    time.now += 5
    assert poll(server, declined["device_code"])["error"] == "access_denied"
    assert poll(server, less["device_code"])["scope"] == "read:org"
    with pytest.raises(ValueError, match="no device waits"):
        server.approve("0000-0000", "ann")


def test_what_is_asked_wrongly_is_told(server: StandIn) -> None:
    asked = ask(server)
    unknown = web.post(f"{server.server_url}/login/device/code", data={"client_id": "unknown"}, headers=JSON)
    assert (unknown.status_code, unknown.json()) == (404, {"error": "Not Found"})
    code = asked["device_code"]
    assert poll(server, code, client_id="unknown")["error"] == "incorrect_client_credentials"
    assert poll(server, code, grant_type="authorization_code")["error"] == "unsupported_grant_type"
    assert poll(server, "0" * 40)["error"] == "incorrect_device_code"
    server.oauth(device_flow=False)
    assert ask(server)["error"] == "device_flow_disabled"
    assert poll(server, code)["error"] == "device_flow_disabled"


def test_tokens_that_expire_are_renewed_once_each(server: StandIn, time: FakeTime) -> None:
    server.oauth(token_seconds=28_800)
    asked = ask(server)
    server.approve(str(asked["user_code"]), "ann")
    time.now += 5
    first = poll(server, asked["device_code"])
    assert (first["expires_in"], first["refresh_token_expires_in"]) == (28_800, 15_811_200)
    renewal = {"grant_type": "refresh_token", "refresh_token": str(first["refresh_token"])}
    time.now += 28_800
    assert seen_with(server, first["access_token"], "/user").status_code == 401
    second = poll(server, "", **renewal)
    assert seen_with(server, second["access_token"], "/user").status_code == 200
    assert poll(server, "", **renewal)["error"] == "bad_refresh_token"
    third = poll(server, "", grant_type="refresh_token", refresh_token=str(second["refresh_token"]))
    assert seen_with(server, second["access_token"], "/user").status_code == 401  # a renewal ends the old one
    time.now += 15_811_200
    late = {"grant_type": "refresh_token", "refresh_token": str(third["refresh_token"])}
    assert poll(server, "", **late)["error"] == "bad_refresh_token"


def test_nothing_secret_is_in_the_log(server: StandIn, time: FakeTime) -> None:
    asked = ask(server)
    time.now += 5
    poll(server, asked["device_code"])
    assert str(asked["device_code"]) not in f"{server.requests()}{server.oauth()}"


def test_an_unknown_setting_is_refused(server: StandIn) -> None:
    with pytest.raises(ValueError, match="no OAuth setting"):
        server.oauth(colour="blue")


def test_scopes_are_normalised() -> None:
    assert normalised(["user", "user:email", "repo", "repo"]) == ("user", "repo")
    assert normalised(["read:org", "user:email"]) == ("read:org", "user:email")
