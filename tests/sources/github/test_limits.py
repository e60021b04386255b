"""Every kind of reply that GitHub is known to give, and what it means."""

from datetime import UTC, datetime
from email.utils import format_datetime

import httpx
import pytest
from fake_time import START
from github_answers import answer
from hypothesis import given
from hypothesis import strategies as st

from git_contrib_assets.sources.github.limits import Meaning, error_types, judge, server_time

FINAL, PRIMARY, SECONDARY = Meaning.FINAL, Meaning.PRIMARY_LIMIT, Meaning.SECONDARY_LIMIT
COMPUTING, TRY_AGAIN = Meaning.COMPUTING, Meaning.TRY_AGAIN
BAD, UNAUTHORISED = Meaning.BAD_CREDENTIALS, Meaning.UNAUTHORISED
OURS = {"x-ratelimit-limit": "5000", "x-ratelimit-remaining": "4000", "x-ratelimit-reset": str(int(START) + 1800)}
USED_UP = {**OURS, "x-ratelimit-remaining": "0"}
ABUSE = "https://docs.github.com/free-pro-team@latest/rest/overview/rate-limits#abuse-rate-limits"
SECONDARY_LINK = (
    "https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api#about-secondary-rate-limits"
)


def http_date(seconds: float) -> str:
    return format_datetime(datetime.fromtimestamp(seconds, UTC), usegmt=True)


def refusal(message: str, link: str = "https://docs.github.com/rest") -> dict[str, str]:
    return {"message": message, "documentation_url": link}


def case(name, status, headers, body, meaning, seconds=None):
    return pytest.param(status, headers, body, meaning, seconds, id=name)


@pytest.mark.parametrize(
    ("status", "headers", "body", "meaning", "seconds"),
    [
        # The primary limit
        case("403 used up", 403, USED_UP, answer("primary_limit"), PRIMARY, 1801),
        case("429 used up", 429, USED_UP, answer("primary_limit"), PRIMARY, 1801),
        case("403 used up, as of 2013: no reset", 403, {"x-ratelimit-remaining": "0"}, answer("primary_limit"), PRIMARY),
        case("403 by its text alone", 403, {}, answer("primary_limit"), PRIMARY),
        case("403 by its headers alone", 403, USED_UP, None, PRIMARY, 1801),
        case("403 used up, reset long ago", 403, {**USED_UP, "x-ratelimit-reset": "5"}, None, PRIMARY, 1),
        case("403 used up, reset is no number", 403, {**USED_UP, "x-ratelimit-reset": "soon"}, None, PRIMARY),
        case("403 used up, reset is infinite", 403, {**USED_UP, "x-ratelimit-reset": "inf"}, None, PRIMARY),
        case(
            "403 used up, the server's clock is 1000 s ahead",
            403,
            {**USED_UP, "date": http_date(START + 1000)},
            None,
            PRIMARY,
            801,
        ),
        case("GraphQL, 200 RATE_LIMITED", 200, USED_UP, answer("graphql_rate_limited"), PRIMARY, 1801),
        case("GraphQL, 200 RATE_LIMIT", 200, OURS, answer("graphql_rate_limit_already_exceeded"), PRIMARY, 1801),
        case("GraphQL, 200 RATE_LIMITED, no headers", 200, {}, answer("graphql_rate_limited"), PRIMARY),
        # The secondary limit
        case("403 retry-after", 403, {**OURS, "retry-after": "60"}, answer("secondary_limit"), SECONDARY, 60),
        case("429 retry-after", 429, {**OURS, "retry-after": "7"}, None, SECONDARY, 7),
        case("retry-after wins over used up", 403, {**USED_UP, "retry-after": "60"}, None, SECONDARY, 60),
        case("retry-after is a date", 403, {"retry-after": http_date(START + 90)}, None, SECONDARY, 90),
        case(
            "retry-after is a date of a clock that is 1000 s ahead",
            403,
            {"retry-after": http_date(START + 1090), "date": http_date(START + 1000)},
            None,
            SECONDARY,
            90,
        ),
        case("retry-after is a date gone by", 429, {"retry-after": http_date(START - 90)}, None, SECONDARY),
        case("retry-after is blank", 403, {**OURS, "retry-after": " "}, answer("secondary_limit"), SECONDARY),
        case("retry-after is no number", 403, {"retry-after": "soon"}, answer("secondary_limit"), SECONDARY),
        case("retry-after is zero", 429, {"retry-after": "0"}, None, SECONDARY),
        case("retry-after is below zero", 429, {"retry-after": "-5"}, None, SECONDARY),
        case("retry-after is infinite", 429, {"retry-after": "inf"}, None, SECONDARY),
        case("retry-after is a year that no calendar knows", 429, {"retry-after": "Wed, 01 Jan 99999999999 00:00:00 GMT"}, None, SECONDARY),
        case("403 by its text alone", 403, OURS, answer("secondary_limit"), SECONDARY),
        case("403 please wait a few minutes", 403, OURS, answer("abuse_wait_a_few_minutes"), SECONDARY),
        case("403 please retry later", 403, OURS, answer("abuse_retry_later"), SECONDARY),
        case("403 abuse link", 403, OURS, refusal("Slow down", ABUSE), SECONDARY),
        case("403 secondary link", 403, OURS, refusal("Slow down", SECONDARY_LINK), SECONDARY),
        case("429 by its text alone", 429, OURS, answer("secondary_limit"), SECONDARY),
        case("429 without a word", 429, {}, None, SECONDARY),
        case("GraphQL, 200 secondary", 200, OURS, answer("graphql_secondary_limit"), SECONDARY),
        case("GraphQL, 200 secondary, says when", 200, {"retry-after": "600"}, answer("graphql_secondary_limit"), SECONDARY, 600),
        case("GraphQL, 200 secondary in REST's words", 200, {}, answer("secondary_limit"), SECONDARY),
        case("GraphQL, 200 secondary in REST's words, says when", 200, {"retry-after": "7"}, answer("secondary_limit"), SECONDARY, 7),
        # A 403 that no waiting heals
        case("403 single sign-on", 403, {**OURS, "x-github-sso": "required; url=https://x"}, answer("sso_required"), FINAL),
        case("403 permission", 403, OURS, answer("not_accessible_by_token"), FINAL),
        case("403 permission of an app", 403, OURS, answer("not_accessible_by_integration"), FINAL),
        case("403 tos", 403, OURS, answer("blocked_tos"), FINAL),
        case("403 too large", 403, OURS, answer("list_too_large"), FINAL),
        case("403 user agent", 403, {}, None, FINAL),
        # Credentials
        case("401 bad credentials", 401, {}, answer("bad_credentials"), BAD),
        case("401 requires authentication", 401, {}, answer("requires_authentication"), UNAUTHORISED),
        case("401 without a word", 401, {}, None, UNAUTHORISED),
        case("403 login attempts", 403, OURS, answer("login_attempts_exceeded"), BAD),
        case("403 login attempts, as recorded", 403, {}, refusal("Max number of login attempt exceeded"), BAD),
        # The rest
        case("200", 200, OURS, [], FINAL),
        case("200 with data, whose text speaks of limits", 200, OURS, refusal("a secondary rate limit of ours") | {"data": {}}, FINAL),
        case("200 GraphQL with another error", 200, OURS, answer("graphql_not_found"), FINAL),
        case("200 with nothing left", 200, USED_UP, [], FINAL),
        case("202", 202, OURS, {}, COMPUTING, 30),
        case("204", 204, OURS, None, FINAL),
        case("301", 301, OURS, answer("moved_permanently"), FINAL),
        case("404", 404, OURS, answer("not_found"), FINAL),
        case("409 empty", 409, OURS, answer("repository_is_empty"), FINAL),
        case("410 version retired", 410, OURS, refusal("This API version is gone"), FINAL),
        case("422 past the last page", 422, OURS, answer("pagination_is_limited"), FINAL),
        case("451 dmca", 451, OURS, answer("blocked_dmca"), FINAL),
        case("500", 500, {}, answer("server_error"), TRY_AGAIN),
        case("502 is a page of html", 502, {}, None, TRY_AGAIN),
        case("503 says when", 503, {"retry-after": "20"}, None, TRY_AGAIN, 20),
        case("504", 504, {}, None, TRY_AGAIN),
        case("500 that speaks of limits", 500, {}, answer("secondary_limit"), TRY_AGAIN),
    ],
)  # fmt: skip
def test_what_a_reply_means(status, headers, body, meaning, seconds):
    verdict = judge(status, httpx.Headers(headers), body, now=START)
    assert verdict.meaning is meaning
    assert verdict.seconds == (None if seconds is None else pytest.approx(seconds))


@pytest.mark.parametrize(
    "body", [None, [], "text", 5, {}, {"errors": "no list"}, {"errors": [None, "text", 5]}, {"errors": None}]
)
def test_a_body_of_any_shape_is_judged(body):
    assert judge(200, {}, body, now=START).meaning is FINAL
    assert judge(403, {}, body, now=START).meaning is FINAL
    assert error_types(body) == set()


headers = st.dictionaries(
    st.sampled_from(["retry-after", "date", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"]),
    st.text(alphabet=st.characters(max_codepoint=127), max_size=20)
    | st.integers().map(str)
    | st.floats().map(str)
    | st.datetimes().map(lambda moment: format_datetime(moment)),
)
json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["message", "documentation_url", "errors", "type", "data"]), inner, max_size=3
        )
    ),
    max_leaves=8,
)


@given(st.sampled_from([200, 202, 401, 403, 404, 429, 500, 503]), headers, json)
def test_no_reply_is_too_odd_to_be_judged(status, headers, body):
    """Whatever it is, there is a verdict, and a wait that is a number."""
    verdict = judge(status, headers, body, now=START)
    assert verdict.seconds is None or 0 <= verdict.seconds < float("inf")


@pytest.mark.parametrize(
    "date", ["", "yesterday", "Wed, 01 Jan 99999999999 00:00:00 GMT", "Wed, 01 Jan 2020 00:00:00 +99999999999999"]
)
def test_a_senseless_date_leaves_our_own_clock(date):
    assert server_time({"date": date}, START) == START
