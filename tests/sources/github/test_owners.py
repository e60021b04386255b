"""What owners say of themselves: a hundred in a query, once each, and of the signed-in user the own address."""

import json

import httpx
import pytest
from github_scene import API, GRAPHQL, GitHubScene

from git_contrib_assets.errors import LimitReached
from git_contrib_assets.sources.github.owners import ask_owners

ME = {"id": 7, "login": "zoe"}


def told(owner_id, name=None, **address):
    return {"login": "x", "databaseId": owner_id, "name": name, **address}


def reply(*owners, errors=()):
    data = {f"o{number}": one for number, one in enumerate(owners)}
    return {"data": data, **({"errors": list(errors)} if errors else {})}


@pytest.fixture
def scene():
    return GitHubScene()


@pytest.fixture
def nobody(httpx_mock):
    """The signed-in user owns nothing that is asked about."""
    httpx_mock.add_response(url=f"{API}/user", json={"id": 999, "login": "me"}, is_optional=True)


def found(answers):
    return [(one.owner_id, one.name, one.email) for one in answers.answers]


async def test_people_and_organisations(scene, httpx_mock, nobody):
    httpx_mock.add_response(
        url=GRAPHQL, json=reply(told(1, "Acme", shared="hi@acme.invalid"), told(2, "", personal=""))
    )
    answers = await ask_owners(scene.client, {1: "acme", 2: "bob"})
    assert found(answers) == [(1, "Acme", "hi@acme.invalid"), (2, None, None)]
    assert (answers.not_asked, answers.problem) == (0, None)


async def test_a_hundred_in_a_query(scene, httpx_mock, nobody):
    def answer(request):
        query = json.loads(request.content)["query"]
        numbers = [int(part.split('"')[0].removeprefix("owner-")) for part in query.split('login:"')[1:]]
        assert len(numbers) <= 100
        return httpx.Response(200, json=reply(*(told(number) for number in numbers)))

    httpx_mock.add_callback(answer, url=GRAPHQL, is_reusable=True)
    answers = await ask_owners(scene.client, {number: f"owner-{number}" for number in range(1, 252)})
    assert [one.owner_id for one in answers.answers] == list(range(1, 252))
    assert scene.budget.requests == 3 + 1


async def test_one_that_is_gone_or_whose_login_went_to_another_is_answered_with_nothing(scene, httpx_mock, nobody):
    """So it is not asked about again with every run."""
    gone = {"type": "NOT_FOUND", "path": ["o0"], "message": "gone"}
    httpx_mock.add_response(url=GRAPHQL, json=reply(None, told(99, "Somebody else"), errors=[gone]))
    assert found(await ask_owners(scene.client, {1: "acme", 2: "bob"})) == [(1, None, None), (2, None, None)]


async def test_a_token_that_may_not_read_addresses_of_people_gets_the_rest(scene, httpx_mock, nobody):
    refused = {"type": "INSUFFICIENT_SCOPES", "message": "Your token has not been granted the required scopes"}
    httpx_mock.add_response(url=GRAPHQL, json={"errors": [refused]})
    httpx_mock.add_response(url=GRAPHQL, json=reply(told(1, "Acme", shared="hi@acme.invalid"), told(2, "Bob")))
    answers = await ask_owners(scene.client, {1: "acme", 2: "bob"})
    assert found(answers) == [(1, "Acme", "hi@acme.invalid"), (2, "Bob", None)]
    assert "personal" not in httpx_mock.get_requests()[1].content.decode()


@pytest.mark.parametrize(
    ("emails", "address"),
    [
        ([{"email": "own@zoe.invalid", "primary": True, "verified": True, "visibility": "private"}], "own@zoe.invalid"),
        ([{"email": "own@zoe.invalid", "primary": True, "verified": False}], "public@zoe.invalid"),
        ([{"email": "own@zoe.invalid", "primary": False, "verified": True}], "public@zoe.invalid"),
        ([{"email": "own@zoe.invalid"}], "public@zoe.invalid"),
        ({"message": "Not Found"}, "public@zoe.invalid"),
        ([], "public@zoe.invalid"),
    ],
)
async def test_the_own_primary_address_counts_if_it_is_verified(scene, httpx_mock, emails, address):
    httpx_mock.add_response(url=GRAPHQL, json=reply(told(7, "Zoé", personal="public@zoe.invalid")))
    httpx_mock.add_response(url=f"{API}/user", json=ME)
    status = 404 if isinstance(emails, dict) else 200
    httpx_mock.add_response(url=f"{API}/user/emails", json=emails, status_code=status)
    assert found(await ask_owners(scene.client, {7: "zoe"})) == [(7, "Zoé", address)]


@pytest.mark.parametrize("text", ["no address", "a@b\x1b[31m", "a@" + "b" * 300, " "])
async def test_what_is_no_address_is_none(scene, httpx_mock, nobody, text):
    httpx_mock.add_response(url=GRAPHQL, json=reply(told(1, "x" * 999, shared=text)))
    (answer,) = (await ask_owners(scene.client, {1: "acme"})).answers
    assert answer.email is None
    assert len(answer.name or "") <= 256


async def test_a_query_that_is_too_much_is_asked_in_halves(scene, httpx_mock, nobody):
    httpx_mock.add_response(url=GRAPHQL, status_code=502)
    httpx_mock.add_response(url=GRAPHQL, json=reply(*(told(number) for number in range(1, 11))))
    httpx_mock.add_response(url=GRAPHQL, json=reply(*(told(number) for number in range(11, 21))))
    answers = await ask_owners(scene.client, {number: f"owner-{number}" for number in range(1, 21)})
    assert len(answers.answers) == 20


@pytest.mark.parametrize("errors", [[{"message": "odd"}], [{"type": "FORBIDDEN", "message": "no"}]])
async def test_what_could_not_be_asked_is_counted_and_told(scene, httpx_mock, errors):
    httpx_mock.add_response(url=GRAPHQL, json={"data": None, "errors": errors})
    answers = await ask_owners(scene.client, {1: "acme", 2: "bob"})
    assert (answers.answers, answers.not_asked) == ([], 2)
    assert answers.problem


async def test_odd_answers_are_left_out_and_odd_logins_are_not_asked(scene, httpx_mock, nobody):
    httpx_mock.add_response(url=GRAPHQL, json=reply({"databaseId": "x"}, told(2, "Bob")))
    answers = await ask_owners(scene.client, {1: "acme", 2: "bob", 3: 'x"){id}'})
    assert (found(answers), answers.not_asked) == ([(2, "Bob", None)], 1)


async def test_a_limit_stops_it(scene, httpx_mock):
    httpx_mock.add_response(url=GRAPHQL, status_code=403, headers={"retry-after": "9999"})
    with pytest.raises(LimitReached):
        await ask_owners(scene.client, {1: "acme"})
