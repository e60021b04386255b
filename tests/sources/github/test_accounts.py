"""Asking which accounts own addresses: a hundred per query, and what is answered is never lost."""

import asyncio
import re
from datetime import datetime

import graphql
import httpx
import orjson
import pytest
from github_answers import answer
from github_scene import GRAPHQL, GitHubScene
from hypothesis import given
from hypothesis import strategies as st

from git_contrib_assets.errors import AccountsUnavailable, LimitReached, NotAllowed
from git_contrib_assets.records import AccountQuestion
from git_contrib_assets.sources.github.accounts import _query, ask_accounts

SDL = """
    interface GitObject { oid: String! }
    type Query { repository(owner: String!, name: String!): Repository }
    type Repository { object(oid: String!): GitObject }
    type Commit implements GitObject { oid: String! author: GitActor }
    type GitActor { user: User }
    type User { databaseId: Int login: String! }
"""
SCHEMA = graphql.build_schema(SDL)


class GraphQLServer:
    """Knows who owns a commit by its sha, refuses queries that ask too much, and counts."""

    def __init__(self, most=10_000):
        self.most = most
        self.too_much = httpx.Response(502, text="<html>")
        self.sizes = []
        self.owners = {}

    def __call__(self, request):
        query = orjson.loads(request.content)["query"]
        document = graphql.parse(query)
        assert graphql.validate(SCHEMA, document) == []
        assert len(query) < 20_000
        shas = re.findall(r'oid:"(\w+)"', query)
        self.sizes.append(len(shas))
        if len(shas) > self.most:
            return self.too_much
        data = {}
        for field in document.definitions[0].selection_set.selections:
            commits = {}
            for commit in field.selection_set.selections:
                sha = commit.arguments[0].value.value
                user = self.owners.get(sha)
                commits[commit.alias.value] = {
                    "author": {"user": user and {"databaseId": user, "login": f"user{user}"}}
                }
            data[field.alias.value] = commits
        return httpx.Response(200, json={"data": data})


def questions(count, repositories=3):
    return [
        AccountQuestion(f"p{number}@example.com", f"acme/r{number * repositories // count}", f"{number:040x}")
        for number in range(count)
    ]


async def ask(scene, asked):
    """All answers, and the error at the end if there was one."""
    answers = []
    try:
        async for batch in ask_accounts(scene.client, asked):
            answers += batch
    except (AccountsUnavailable, NotAllowed, LimitReached) as error:
        return answers, error
    return answers, None


@pytest.fixture
def scene():
    return GitHubScene()


@pytest.fixture
def accounts(httpx_mock):
    accounts = GraphQLServer()
    httpx_mock.add_callback(accounts, url=GRAPHQL, is_reusable=True, is_optional=True)
    return accounts


@pytest.mark.parametrize(("count", "queries"), [(0, 0), (1, 1), (99, 1), (100, 1), (101, 2), (250, 3), (1000, 10)])
async def test_a_hundred_per_query(scene, accounts, count, queries):
    answers, error = await ask(scene, questions(count))
    assert error is None
    assert sorted(one.email for one in answers) == sorted(one.email for one in questions(count))
    assert scene.budget.requests == len(accounts.sizes) == queries


async def test_an_account_and_nobody(scene, accounts):
    asked = questions(2)
    accounts.owners[asked[0].sha] = 11
    (owned, nobody), error = await ask(scene, asked)
    assert error is None
    assert (owned.email, owned.account_id, owned.login, owned.method) == ("p0@example.com", 11, "user11", "graphql")
    assert (nobody.email, nobody.account_id, nobody.login) == ("p1@example.com", None, None)


async def test_each_repository_is_named_once(scene, httpx_mock, accounts):
    await ask(scene, questions(100, repositories=2))
    (request,) = httpx_mock.get_requests()
    assert request.content.count(b"repository(") == 2


async def test_one_repository_that_is_gone_leaves_the_others(scene, httpx_mock):
    httpx_mock.add_response(json=answer("graphql_not_found"))
    asked = [
        AccountQuestion("x@example.com", "acme/gone", "1" * 40),
        AccountQuestion("ann@example.com", "acme/anvil", "2" * 40),
    ]
    (only,), error = await ask(scene, asked)
    assert error is None
    assert (only.email, only.account_id) == ("ann@example.com", 11)


async def test_all_repositories_gone_is_no_failure(scene, httpx_mock):
    """To ask again would change nothing."""
    httpx_mock.add_response(
        json={"data": {"r0": None}, "errors": [{"type": "NOT_FOUND", "path": ["r0"], "message": "x"}]}
    )
    assert await ask(scene, questions(3, repositories=1)) == ([], None)


async def test_a_null_that_an_error_explains_is_no_answer(scene, httpx_mock):
    """Of six questions one has an account and one has nobody; for the others GitHub says nothing."""
    httpx_mock.add_response(json=answer("graphql_partial_with_errors"))
    answers, error = await ask(scene, questions(6, repositories=1))
    assert error is None
    assert [(one.email, one.account_id) for one in answers] == [("p0@example.com", 11), ("p5@example.com", None)]


async def test_errors_and_data_of_odd_shapes(scene, httpx_mock):
    """Only the one answer that makes sense counts."""
    httpx_mock.add_response(json=answer("graphql_errors_of_odd_shapes"))
    answers, error = await ask(scene, questions(6, repositories=2))
    assert error is None
    assert [(one.email, one.account_id) for one in answers] == [("p0@example.com", 11)]


@pytest.mark.parametrize("name", ["graphql_resource_limits_exceeded", "graphql_not_parsed"])
async def test_errors_without_any_data_are_a_failure(scene, httpx_mock, name):
    httpx_mock.add_response(json=answer(name))
    answers, error = await ask(scene, questions(3, repositories=1))
    assert answers == []
    assert isinstance(error, AccountsUnavailable)


async def test_too_heavy_a_query_is_asked_in_halves(scene, accounts):
    accounts.most = 30
    answers, error = await ask(scene, questions(100))
    assert error is None
    assert len(answers) == 100
    assert accounts.sizes == [100, 50, 25, 25, 50, 25, 25]


@pytest.mark.parametrize(
    "error",
    [
        {"type": "RESOURCE_LIMITS_EXCEEDED", "message": "Resource limits for this query exceeded."},
        {"message": "Something went wrong while executing your query. This may be the result of a timeout."},
    ],
)
async def test_a_query_that_is_refused_as_too_large_is_asked_in_halves(scene, accounts, error):
    accounts.most, accounts.too_much = 30, httpx.Response(200, json={"data": None, "errors": [error]})
    answers, failure = await ask(scene, questions(100))
    assert failure is None
    assert len(answers) == 100
    assert accounts.sizes == [100, 50, 25, 25, 50, 25, 25]


async def test_a_null_beside_an_error_that_names_no_place_is_no_answer(scene, httpx_mock):
    person = {"author": {"user": {"databaseId": 11, "login": "ann"}}}
    data = {"r0": {"c0": person, "c1": {"author": {"user": None}}}}
    httpx_mock.add_response(json={"data": data, "errors": [{"message": "it took too long"}]})
    answers, _ = await ask(scene, questions(2, repositories=1))
    assert [one.account_id for one in answers] == [11]


@pytest.mark.parametrize(
    "author",
    [
        {},
        {"user": {}},
        {"user": {"login": "ann"}},
        {"user": {"databaseId": None, "login": "ann"}},
        {"user": {"databaseId": 1 << 70, "login": "ann"}},
        {"user": []},
    ],
    ids=str,
)
async def test_what_is_missing_does_not_mean_nobody(scene, httpx_mock, author):
    """Only a null does. A commit whose alias is missing is not answered either."""
    httpx_mock.add_response(json={"data": {"r0": {"c0": {"author": author}, "c1": {"author": {"user": None}}}}})
    answers, _ = await ask(scene, questions(3, repositories=1))
    assert [(one.email, one.account_id) for one in answers] == [("p1@example.com", None)]


async def test_an_answer_is_dated_by_githubs_clock(scene, httpx_mock):
    """By ours, ten years ahead, it would count as fresh for ten years."""
    person = {"author": {"user": {"databaseId": 11, "login": "x" * 1000}}}
    date = {"date": "Sat, 06 May 2023 07:08:09 GMT"}
    httpx_mock.add_response(json={"data": {"r0": {"c0": person}}}, headers=date)
    (answer_,), _ = await ask(scene, questions(1))
    assert answer_.asked_at == datetime.fromisoformat("2023-05-06T07:08:09")
    assert len(answer_.login) == 256


async def test_an_error_is_one_short_line(scene, httpx_mock):
    errors = [{"type": "\x1b[2J" + "X" * 10_000, "message": "x"}]
    httpx_mock.add_response(json={"data": None, "errors": errors})
    _, error = await ask(scene, questions(1))
    assert len(str(error)) < 400
    assert str(error).isprintable()


async def test_halving_ends(scene, accounts):
    """A server that answers nothing is not asked for ever, and the error says that the next run asks."""
    accounts.most = 0
    answers, error = await ask(scene, questions(100))
    assert answers == []
    assert isinstance(error, AccountsUnavailable)
    assert "next run" in str(error)
    assert len(accounts.sizes) < 20
    assert min(accounts.sizes) >= 6


async def test_what_one_half_answered_is_kept_when_the_other_fails(scene, httpx_mock, accounts):
    """The first half is good, the second is not available: fifty answers, and an error at the end."""
    bad = {question.sha for question in questions(100)[50:]}

    def reply(request):
        shas = set(re.findall(r'oid:"(\w+)"', request.content.decode().replace("\\", "")))
        return httpx.Response(502) if shas & bad else accounts(request)

    httpx_mock.reset()
    httpx_mock.add_callback(reply, is_reusable=True)
    answers, error = await ask(scene, questions(100))
    assert {one.email for one in answers} == {question.email for question in questions(100)[:50]}
    assert isinstance(error, AccountsUnavailable)


async def test_it_gives_up_after_enough_failures_and_yields_what_it_has(scene, httpx_mock, accounts):
    """The first query is answered, then GitHub is down: not every one of sixty is tried."""

    def reply(request):
        return accounts(request) if len(httpx_mock.get_requests()) == 1 else httpx.Response(404)

    httpx_mock.reset()
    httpx_mock.add_callback(reply, is_reusable=True)
    answers, error = await ask(scene, questions(6000))
    assert len(answers) == 100
    assert isinstance(error, AccountsUnavailable)
    assert scene.budget.requests < 20


async def test_a_refused_token_stops_at_once(scene, httpx_mock):
    httpx_mock.add_response(status_code=401, json=answer("bad_credentials"), is_reusable=True)
    answers, error = await ask(scene, questions(3000))
    assert answers == []
    assert isinstance(error, NotAllowed)
    assert scene.budget.requests <= 8


async def test_a_limit_beyond_the_bound_stops(httpx_mock):
    scene = GitHubScene(max_wait=10)
    httpx_mock.add_response(json=answer("graphql_rate_limited"), is_reusable=True)
    _, error = await ask(scene, questions(300))
    assert isinstance(error, LimitReached)


async def test_who_stops_listening_stops_the_asking(scene, accounts, httpx_mock):
    async def slowly(request):
        for _ in range(5):
            await asyncio.sleep(0)
        return accounts(request)

    httpx_mock.reset()
    httpx_mock.add_callback(slowly, is_reusable=True)
    asking = ask_accounts(scene.client, questions(5000))
    await anext(asking)
    await asking.aclose()
    sent = scene.budget.requests
    assert sent < 50
    for _ in range(100):
        await asyncio.sleep(0)
    assert scene.budget.requests == sent


# Nothing gets into a query that is not from its alphabet


@pytest.mark.parametrize(
    ("repository", "sha"),
    [
        ('acme/x"){id}#', "1" * 40),
        ('ac"me/x', "1" * 40),
        ("acme/x\n", "1" * 40),
        ("acme/..", "1" * 40),
        ("acme", "1" * 40),
        ("acme/a/b", "1" * 40),
        ("acme/anvil", '1"){id}'),
        ("acme/anvil", "1" * 39),
        ("acme/anvil", "1" * 40 + "\n"),
        ("acme/anvil", "A" * 40),
        ("acme/anvil", "HEAD"),
    ],
)
async def test_a_question_outside_the_alphabet_is_not_sent(scene, accounts, httpx_mock, repository, sha):
    good = AccountQuestion("good@example.com", "acme/anvil", "2" * 40)
    answers, error = await ask(scene, [AccountQuestion("bad@example.com", repository, sha), good])
    assert error is None
    assert [one.email for one in answers] == ["good@example.com"]
    assert accounts.sizes == [1]


async def test_nothing_is_sent_when_no_question_may_be(scene, accounts):
    assert await ask(scene, [AccountQuestion("bad@example.com", 'acme/x"', "1" * 40)]) == ([], None)
    assert accounts.sizes == []


async def test_a_sha_of_sha256_is_one_too(scene, accounts):
    answers, _ = await ask(scene, [AccountQuestion("a@example.com", "acme/anvil", "2" * 64)])
    assert len(answers) == 1


async def test_no_address_is_sent(scene, accounts, httpx_mock):
    await ask(scene, questions(5))
    assert b"example.com" not in httpx_mock.get_requests()[0].content


@given(
    st.dictionaries(
        st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,9}/[A-Za-z0-9._-]{1,9}", fullmatch=True),
        st.lists(st.from_regex(r"[0-9a-f]{40}", fullmatch=True), min_size=1, max_size=3),
        min_size=1,
        max_size=3,
    )
)
def test_every_query_is_valid(shas):
    """By GraphQL's own rules, on the part of GitHub's schema that it uses."""
    asked = [(name, [AccountQuestion("e", name, sha) for sha in some]) for name, some in shas.items()]
    assert graphql.validate(SCHEMA, graphql.parse(_query(asked))) == []
