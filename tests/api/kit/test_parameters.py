"""Each parameter that is not valid is named, with what would be."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from api.kit.parameters import DAY_PATTERN, _month

SORT_MESSAGE = (
    "must be a comma-separated list of date, repository, number_of_new_contributors;"
    " prefix a name with - for descending order"
)


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


@given(st.integers(0, 2100), st.integers(0, 14), st.integers(0, 33), st.booleans())
@example(1900, 2, 29, True)
@example(2000, 2, 29, True)
@example(2024, 2, 29, True)
@example(2023, 2, 29, True)
def test_the_description_of_a_month_is_what_the_server_does(year: int, month: int, day: int, whole: bool) -> None:
    """To the last day of each month, leap years and all."""
    text = f"{year:04}-{month:02}" + (f"-{day:02}" if whole else "")
    try:
        _month(text)
    except ValueError:
        accepted = False
    else:
        accepted = True
    assert (re.search(DAY_PATTERN, text) is not None) == accepted


async def test_all_bad_parameters_are_told_at_once(client, problem_of):
    """Nobody wants to find them one by one."""
    answer = await client.get("/v1/new-contributors?from=2017-02&to=2017-01&page=x&foo=1")
    body = problem_of(answer, 400, "invalid-parameter")
    assert {error["parameter"] for error in body["errors"]} == {"to", "page", "foo"}
