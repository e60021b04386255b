"""Which addresses are asked about, and what is kept of the answers."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from crawl_scene import Seen, listed
from github_answers import answer
from github_scene import GRAPHQL, GitHubScene
from histories import commit, history, land_history

from git_contrib_assets.errors import (
    AccountsUnavailable,
    LimitReached,
    NotAllowed,
    RepositoryPrivate,
    TokenRefused,
    VisibilityUnknown,
)
from git_contrib_assets.landing.ask_accounts import (
    ask_through_public,
    look_up_accounts,
    open_questions,
    questions_through_public,
)
from git_contrib_assets.progress import Reporter, reporting_to
from git_contrib_assets.records import AccountAnswer, AccountQuestion, Attempt, AttemptState
from git_contrib_assets.storage.home import Home
from git_contrib_assets.storage.landed.commits import LandedHistory
from git_contrib_assets.storage.landing_zone import LandingZone

NOW = datetime.now(UTC).replace(tzinfo=None)


class Heard(Reporter):
    def __init__(self):
        self.progress = []
        self.failed = []

    def accounts_asked(self, asked, total):
        self.progress.append((asked, total))

    def accounts_failed(self, error, not_asked):
        self.failed.append((error, not_asked))


@pytest.fixture
def landing(tmp_path):
    home = Home(tmp_path / "home")
    home.prepare()
    landing = LandingZone(home)
    landing.prepare()
    return landing


def land(landing, repository_id, *emails, name="acme/anvil", **more):
    """A landed repository with a commit by each of these; as it is listed."""
    made = history([commit(email, sha=f"{repository_id:02d}{number:038x}") for number, email in enumerate(emails)])
    footer = LandedHistory(repository_id, made.tip, "main", "main", "git", NOW, NOW, NOW, 0)
    land_history(landing, footer, made)
    return replace(listed(repository_id, name), **more)


def asked(landing, *repositories):
    return [question.email for question in open_questions(landing, repositories)]


# Which addresses are asked about


def test_every_address_without_an_answer_is_asked_once(landing):
    anvil = land(landing, 1, "ann@x", "bob@x", " ANN@x ")
    bolt = land(landing, 2, "ann@x", "cleo@x", name="acme/bolt")
    assert open_questions(landing, [bolt, anvil]) == [
        AccountQuestion("ann@x", "acme/anvil", f"01{0:038x}"),
        AccountQuestion("bob@x", "acme/anvil", f"01{1:038x}"),
        AccountQuestion("cleo@x", "acme/bolt", f"02{1:038x}"),
    ]


def test_what_was_answered_lately_is_not_asked_again(landing):
    anvil = land(landing, 1, "fresh@x", "nobody@x", "old@x", "oldnobody@x")
    month = timedelta(days=30)
    landing.accounts.add(
        [
            AccountAnswer("fresh@x", 1, "a", NOW - month + timedelta(days=1), "graphql"),
            AccountAnswer("nobody@x", None, None, NOW - timedelta(days=1), "graphql"),
            AccountAnswer("old@x", 1, "a", NOW - month - timedelta(days=1), "graphql"),
            AccountAnswer("oldnobody@x", None, None, NOW - month - timedelta(days=1), "graphql"),
        ]
    )
    assert asked(landing, anvil) == ["old@x", "oldnobody@x"]


def test_who_is_nobodys_account_is_not_asked(landing):
    """Blank addresses, and those of bots that GitHub names so."""
    robots = ["", "  ", "49699333+dependabot[bot]@users.noreply.github.com", "renovate[bot]@users.noreply.github.com"]
    anvil = land(landing, 1, *robots, "no-at-sign", "dependabot[bot]@example.com", "1+ann@users.noreply.github.com")
    assert asked(landing, anvil) == ["1+ann@users.noreply.github.com", "dependabot[bot]@example.com", "no-at-sign"]


def test_a_repository_that_is_gone_cannot_be_asked_through(landing):
    gone = land(landing, 1, "ann@x", missing_since=NOW, missing_reason="not_found")
    bolt = land(landing, 2, "bob@x", name="acme/bolt")
    assert asked(landing, gone, bolt, listed(3, "acme/never-landed")) == ["bob@x"]


def test_an_address_is_asked_through_a_repository_that_did_not_fail(landing):
    fails, bolt = land(landing, 1, "ann@x", "bob@x"), land(landing, 2, "ann@x", name="acme/bolt")
    landing.crawl_log.append(Attempt("run", 1, "acme/anvil", AttemptState.FAILED, NOW, 0.0, "git", None, 2, 3))
    questions = {question.email: question.repository for question in open_questions(landing, [fails, bolt])}
    assert questions == {"ann@x": "acme/bolt", "bob@x": "acme/anvil"}
    landing.crawl_log.append(Attempt("next", 1, "acme/anvil", AttemptState.UNCHANGED, NOW, 0.0, "git", None, 2, 3))
    questions = {question.email: question.repository for question in open_questions(landing, [fails, bolt])}
    assert questions == {"ann@x": "acme/anvil", "bob@x": "acme/anvil"}


def test_those_of_one_repository_stay_together(landing):
    first = land(landing, 1, "z@x", "a@x", name="acme/zinc")
    second = land(landing, 2, "y@x", "b@x", name="acme/anvil")
    questions = open_questions(landing, [first, second])
    assert [question.repository for question in questions] == ["acme/anvil", "acme/anvil", "acme/zinc", "acme/zinc"]


# Through public repositories alone


async def through_public(landing, seen, listed=(), unlisted=()):
    found = await questions_through_public(landing, seen, listed, unlisted)
    return [(question.email, question.repository) for question in found.askable], found.unseen


async def test_what_this_run_has_listed_is_asked_through_without_looking(landing):
    seen = Seen()
    anvil, bolt = land(landing, 1, "ann@x"), land(landing, 2, "ann@x", name="acme/bolt")
    assert await through_public(landing, seen, [anvil], [bolt]) == ([("ann@x", "acme/anvil")], 0)
    assert seen.asked == []


async def test_others_are_looked_at_where_something_is_to_be_asked_through_them(landing):
    seen = Seen()
    anvil = land(landing, 1, "ann@x")
    bolt, crate = land(landing, 2, "ann@x", "bob@x", name="acme/bolt"), land(landing, 3, "ann@x", name="acme/crate")
    expected = [("ann@x", "acme/anvil"), ("bob@x", "acme/bolt")]
    assert await through_public(landing, seen, [anvil], [bolt, crate]) == (expected, 0)
    assert seen.asked == [["acme/bolt"]]


async def test_an_address_is_asked_through_the_next_repository_that_is_public(landing):
    repositories = [land(landing, number, "ann@x", name=f"acme/r{number}") for number in (1, 2, 3)]
    landing.repositories.write(repositories)
    seen = Seen({1: RepositoryPrivate("private"), 2: VisibilityUnknown("unknown")})
    assert await through_public(landing, seen, unlisted=repositories) == ([("ann@x", "acme/r3")], 0)
    assert seen.asked == [["acme/r1"], ["acme/r2"], ["acme/r3"]]
    assert [one.is_private for one in landing.repositories.all()] == [True, False, False]


async def test_an_address_is_asked_through_a_repository_that_was_looked_at_for_another(landing):
    private, public = land(landing, 1, "ann@x"), land(landing, 2, "ann@x", "bob@x", name="acme/bolt")
    landing.repositories.write([private, public])
    seen = Seen({1: RepositoryPrivate("private")})
    expected = [("ann@x", "acme/bolt"), ("bob@x", "acme/bolt")]
    assert await through_public(landing, seen, unlisted=[private, public]) == (expected, 0)
    assert seen.asked == [["acme/anvil", "acme/bolt"]]


async def test_addresses_that_stand_in_private_repositories_only_are_not_missed(landing):
    """Nobody counts them. Those of which nothing is known are."""
    private = land(landing, 1, "ann@x", "bob@x")
    unknown = land(landing, 2, "bob@x", "cleo@x", name="acme/bolt")
    landing.repositories.write([private, unknown])
    seen = Seen({1: RepositoryPrivate("private"), 2: VisibilityUnknown("unknown")})
    assert await through_public(landing, seen, unlisted=[private, unknown]) == ([], 2)


async def test_what_could_not_be_looked_at_is_told_and_asked_next_time(landing, httpx_mock):
    httpx_mock.add_callback(reply, url=GRAPHQL, is_reusable=True)
    anvil, bolt = land(landing, 1, "ann@x"), land(landing, 2, "bob@x", name="acme/bolt")
    heard = Heard()
    with reporting_to(heard):
        seen = Seen({2: VisibilityUnknown("unknown")})
        report = await ask_through_public(GitHubScene().client, landing, seen, [anvil], [bolt])
    assert (report.asked, report.answered, report.not_asked) == (2, 1, 1)
    assert isinstance(report.error, AccountsUnavailable)
    assert heard.failed == [(report.error, 1)]


@pytest.mark.parametrize("error", [TokenRefused("refused"), LimitReached("late", seconds=9.0)], ids=["401", "limit"])
async def test_what_stops_the_looking_ends_in_the_report(landing, error):
    class Stopped(Seen):
        async def refusals(self, repositories):
            raise error

    anvil, bolt = land(landing, 1, "ann@x"), land(landing, 2, "bob@x", name="acme/bolt")
    heard = Heard()
    with reporting_to(heard):
        report = await ask_through_public(GitHubScene().client, landing, Stopped(), [anvil], [bolt])
    assert (report.asked, report.answered, report.error) == (2, 0, error)
    assert heard.failed == [(error, 2)]


# What is kept of the answers


def reply(request):
    """Everybody has the account 7."""
    parts = request.content.decode().split("repository(")[1:]
    commits = {f"c{c}": {"author": {"user": {"databaseId": 7, "login": "seven"}}} for c in range(100)}
    return httpx.Response(200, json={"data": {f"r{r}": commits for r in range(len(parts))}})


def questions(count):
    return [AccountQuestion(f"p{number:04d}@x", "acme/anvil", f"{number:040x}") for number in range(count)]


async def look_up(landing, some, scene=None):
    heard = Heard()
    with reporting_to(heard):
        return await look_up_accounts((scene or GitHubScene()).client, landing, some), heard


async def test_answers_are_landed(landing, httpx_mock):
    httpx_mock.add_callback(reply, url=GRAPHQL, is_reusable=True)
    report, heard = await look_up(landing, questions(250))
    assert (report.asked, report.answered, report.not_asked, report.error) == (250, 250, 0, None)
    assert landing.accounts.answers().num_rows == 250
    assert heard.progress[0] == (0, 250)
    assert heard.progress[-1] == (250, 250)
    assert heard.failed == []
    assert len(httpx_mock.get_requests()) == 3


async def test_without_a_question_nobody_is_asked(landing):
    report, heard = await look_up(landing, [])
    assert (report.asked, report.answered, report.error) == (0, 0, None)
    assert heard.progress == []


async def test_what_github_cannot_answer_is_told_and_asked_again(landing, httpx_mock):
    httpx_mock.add_response(json=answer("graphql_not_found"))
    some = [AccountQuestion("gone@x", "acme/gone", "1" * 40), AccountQuestion("ann@x", "acme/anvil", "2" * 40)]
    report, heard = await look_up(landing, some)
    assert (report.answered, report.not_asked) == (1, 1)
    assert isinstance(report.error, AccountsUnavailable)
    assert heard.failed == [(report.error, 1)]
    assert landing.accounts.answers()["email"].to_pylist() == ["ann@x"]


@pytest.mark.parametrize(
    ("second", "error"),
    [
        (httpx.Response(502), AccountsUnavailable),
        (httpx.Response(401, json=answer("bad_credentials")), NotAllowed),
        (httpx.Response(403, json=answer("not_accessible_by_token")), NotAllowed),
        (httpx.Response(429, headers={"retry-after": "99999"}), LimitReached),
    ],
    ids=["502", "401", "403", "limit"],
)
async def test_whatever_stops_it_what_is_answered_is_kept(landing, httpx_mock, second, error):
    """The first hundred are answered, then comes something else: it ends in the report and raises nothing."""
    first = re.compile(rb'oid:\\?"0{40}')

    def some(request):
        return reply(request) if first.search(request.content) else second

    httpx_mock.add_callback(some, is_reusable=True)
    report, heard = await look_up(landing, questions(300))
    assert (report.answered, report.not_asked) == (100, 200)
    assert isinstance(report.error, error)
    assert heard.failed == [(report.error, 200)]
    assert landing.accounts.answers().num_rows == 100


async def test_known_answers_stay_when_asking_fails(landing, httpx_mock):
    landing.accounts.add([AccountAnswer("p0000@x", 1, "a", NOW - timedelta(days=99), "graphql")])
    httpx_mock.add_response(status_code=502, is_reusable=True)
    report, _ = await look_up(landing, questions(1))
    assert isinstance(report.error, AccountsUnavailable)
    assert landing.accounts.answers()["account_id"].to_pylist() == [1]


def test_an_answer_from_the_future_is_asked_for_again(landing):
    """As a clock that was ten years ahead for one run left it; by GitHub's clock, not by ours."""
    anvil, now = land(landing, 1, "ann@x"), datetime(2026, 1, 1)  # noqa: DTZ001 - UTC, as everywhere
    landing.accounts.add([AccountAnswer("ann@x", 1, "ann", now + timedelta(days=3650), "graphql")])
    assert [one.email for one in open_questions(landing, [anvil], now=now)] == ["ann@x"]
    landing.accounts.add([AccountAnswer("ann@x", 2, "ann", now, "graphql")])
    assert open_questions(landing, [anvil], now=now) == []
    assert landing.accounts.answers()["account_id"].to_pylist() == [2]
    assert [one.email for one in open_questions(landing, [anvil], now=now + timedelta(days=31))] == ["ann@x"]
