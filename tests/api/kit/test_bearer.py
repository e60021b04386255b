"""Who asks is found out before anything is answered."""

import ast
import inspect

import httpx
import pytest
from api_routes import PATHS, address
from catalogue_rows import BEARER, TOKEN
from pydantic import SecretStr

from api.kit import bearer
from api.kit.settings import Settings
from api.main import create_app

LOOK_AT_IT = [path for path, item in PATHS.items() if "security" in item["get"]]
WRONG = [
    f"Bearer {TOKEN}x",
    f"Bearer {TOKEN[:-1]}",
    f"Bearer {TOKEN.upper()}",
    f"Bearer {TOKEN} {TOKEN}",
    "Bearer",
    "Bearer ",
    "",
    TOKEN,
    f"Basic {TOKEN}",
    f"Bearer\t{TOKEN}",
    f"Bearer: {TOKEN}",
    "Bearer \u00e9\u00e9\u00e9",
]


def test_the_routes_that_look_at_it():
    """All that hold private rows, and no others: their description says so."""
    assert LOOK_AT_IT == [
        "/v1/repositories",
        "/v1/repositories.{suffix}",
        "/v1/repositories/{owner}/{name}",
        "/v1/owners",
        "/v1/owners.{suffix}",
        "/v1/exports/repositories.csv",
        "/v1/meta",
    ]
    for path in LOOK_AT_IT:
        assert PATHS[path]["get"]["security"] == [{}, {"bearer": []}]
        assert "401" in PATHS[path]["get"]["responses"]


@pytest.mark.parametrize("path", [address(path) for path in LOOK_AT_IT])
@pytest.mark.parametrize("given", [f"Bearer {TOKEN}", f"bearer {TOKEN}", f"BEARER   {TOKEN} "])
async def test_the_right_one(client, path, given):
    """In any spelling of the scheme (RFC 9110, section 11.1)."""
    answer = await client.get(path, headers={"authorization": given})
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "private, no-store"


@pytest.mark.parametrize("path", [*(address(path) for path in LOOK_AT_IT), "/catalogue"])
@pytest.mark.parametrize("given", WRONG)
async def test_a_wrong_one_is_refused(client, problem_of, path, given):
    """Also where the answer without it is kept already: it is never taken for no bearer at all."""
    assert (await client.get(path)).status_code == 200
    answer = await client.get(path, headers={"authorization": given.encode()})
    problem_of(answer, 401, "not-authorised")
    assert answer.headers["www-authenticate"] == 'Bearer realm="git-contrib", error="invalid_token"'
    assert TOKEN not in answer.text


async def test_two_are_refused(client, problem_of):
    """Which of them would count nobody can tell."""
    for pair in ([f"Bearer {TOKEN}", "Bearer other"], [f"Bearer {TOKEN}"] * 2):
        answer = await client.get("/v1/owners", headers=[("authorization", one) for one in pair])
        problem_of(answer, 401, "not-authorised")


async def test_it_is_looked_at_first(client, problem_of):
    """Whatever else is wrong with the request is told to nobody who bears a wrong one."""
    for path in ("/v1/owners?colour=red", "/v1/repositories.xml", "/v1/repositories/acme/nobody", "/v1/meta?x=1"):
        problem_of(await client.get(path, headers={"authorization": "Bearer x"}), 401, "not-authorised")
        assert (await client.get(path, headers=BEARER)).status_code in {400, 404}


async def test_other_routes_do_not_care(client):
    """Their answers hold nothing private, whoever asks: the same bytes, which a cache may keep."""
    for path in ("/v1/new-contributors", "/v1/contributors/new.csv", "/api/repos", "/healthz", "/", "/docs"):
        plain = await client.get(path)
        for given in (f"Bearer {TOKEN}", "Bearer other", "Basic eDp5"):
            answer = await client.get(path, headers={"authorization": given})
            assert (answer.status_code, answer.content) == (200, plain.content)
            assert answer.headers.get("vary") == plain.headers.get("vary")
        assert "authorization" not in plain.headers.get("vary", "").lower()


async def test_a_server_without_a_token(made_snapshot, problem_of):
    """It opens nothing private. A bearer is refused; a password is meant for a proxy before it, and does not count."""
    app = create_app(Settings(published=made_snapshot.folder, query_seconds=120))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        for path in map(address, LOOK_AT_IT):
            plain = await client.get(path)
            basic = await client.get(path, headers={"authorization": "Basic eDp5"})
            assert (basic.status_code, basic.content) == (200, plain.content)
            problem_of(await client.get(path, headers=BEARER), 401, "not-authorised")
    assert app.state.private_catalogue is None
    for store in app.state.public_stores:
        store.close()


def test_the_comparison_takes_as_long_whatever_fits():
    """Nothing of the token is compared in another way than by ``hmac.compare_digest``, on bytes."""
    tree = ast.parse(inspect.getsource(bearer))
    compared = [ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Compare)]
    assert [one for one in compared if "token" in one.lower() or "borne" in one] == ["token is None"]
    revealed = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr == "get_secret_value"]
    (call,) = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "hmac.compare_digest"
    ]
    assert [ast.unparse(one) for one in call.args] == ["borne.encode()", "token.get_secret_value().encode()"]
    assert len(revealed) == 1


def test_right_and_wrong():
    """One header, with the scheme and the whole token."""
    assert bearer.is_right([f"Bearer {TOKEN}"], SecretStr(TOKEN))
    for given in WRONG:
        assert not bearer.is_right([given], SecretStr(TOKEN))


def test_settings_do_not_show_the_token():
    """Neither their text nor that of the settings of the package."""
    assert TOKEN not in repr(Settings(published=None, token=SecretStr(TOKEN)))
