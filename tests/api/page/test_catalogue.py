"""The page at `/catalogue` as it is served: public rows to everybody, all rows to whoever bears the token."""

import re

import catalogue_rows
import pytest
from catalogue_rows import BEARER, PLANTED

from api.page.rendering import HEADERS, NO_VALUE
from git_contrib_assets.serving.contract import catalogue

HOSTILE = "<script>alert('x')</script>"
PRIVATE = [f"only-{PLANTED}/nothing", f"acme/gone-{PLANTED}", f"umbrella/internal-{PLANTED}", f"acme/{PLANTED}"]


def rows_of(text: str) -> list[list[str]]:
    """The cells of the table, without their tags."""
    body = text.partition("<tbody>")[2].partition("</tbody>")[0]
    cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in re.findall(r"<tr>(.*?)</tr>", body)]
    return [[" ".join(re.sub(r"<[^>]*>", "", cell).split()) for cell in row] for row in cells]


def names_of(text: str) -> list[str]:
    return [row[0].split(" ")[0] for row in rows_of(text)]


async def test_the_rows_are_in_the_page(client):
    """Before any script runs, those with most stars first; what was not told is a dash."""
    answer = await client.get("/catalogue")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS
    assert rows_of(answer.text)[:2] == [
        ["acme/listed-only", "Public", "Python", "listed", "90"],
        ["acme/again", "Public", "Python", "gone: not listed since 4 Jul 2017", "60"],
    ]
    assert rows_of(answer.text)[-1] == ["umbrella/anvil", "Public", "Python", "listed", NO_VALUE]
    assert 'href="/v1/exports/repositories.csv" download' in answer.text
    assert 'aria-sort="descending"' in answer.text
    assert PLANTED not in answer.text
    assert '"/catalogue"' in (await client.get("/")).text


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("q=LISTED", ["acme/listed-only"]),
        ("owner=Umbrella", ["umbrella/anvil"]),
        ("state=gone", ["acme/again"]),
        ("status=private", []),
        (
            "status=public&state=listed&sort=repository&owner=acme",
            ["acme/anvil", "acme/empty", "acme/fork"],
        ),
        (
            "sort=stars&q=acme&state=&utm_source=elsewhere&page=",
            ["acme/anvil", "acme/fork", "acme/empty", "acme/pending"],
        ),
        ("q=%25", []),
    ],
)
async def test_a_choice(client, query, names):
    """What is empty or strange is no choice."""
    found = names_of((await client.get(f"/catalogue?{query}")).text)
    assert found[: len(names)] == names if names else found == ["No"]


async def test_with_the_token(client):
    """All rows, kept by nobody."""
    answer = await client.get("/catalogue", headers=BEARER)
    assert names_of(answer.text)[:4] == PRIVATE
    assert [row[1] for row in rows_of(answer.text)].count("Private") == 4
    assert answer.headers["cache-control"] == "private, no-store"
    found = await client.get("/catalogue?status=private&state=gone", headers=BEARER)
    assert names_of(found.text) == [f"acme/gone-{PLANTED}"]
    assert "@" not in found.text


@pytest.mark.parametrize(
    "query", ["status=secret", "state=complete", "sort=owner", "page=0", "page=x", f"q={'x' * 101}"]
)
async def test_a_choice_that_makes_no_sense(client, query):
    """It is said on a page, with the status of the problem."""
    answer = await client.get(f"/catalogue?{query}")
    assert answer.status_code == 400
    assert f"{query.partition('=')[0]} is not a choice of this page." in answer.text
    assert 'href="/catalogue"' in answer.text


async def test_names_are_text(own_client, published):
    """Whatever a repository or its language is called."""
    rows = [catalogue_rows.repository(1, f"acme/{HOSTILE}", language=HOSTILE, state="gone", state_reason=HOSTILE)]
    published.other(catalogue.PUBLICATION).publish("hostile", catalogue_rows.public_tables(rows))
    text = (await own_client.get("/catalogue")).text
    assert HOSTILE not in text
    assert text.count("&lt;script&gt;") == 3


async def test_pages(own_client, published):
    """A hundred rows each, linked, with the choice kept."""
    rows = [catalogue_rows.repository(number, f"acme/n{number:03}") for number in range(1, 251)]
    published.other(catalogue.PUBLICATION).publish("many", catalogue_rows.public_tables(rows))
    seen, address = [], "/catalogue?q=n&sort=repository"
    while address:
        text = (await own_client.get(address)).text
        seen += names_of(text)
        found = re.search(r'id="next" href="([^"]+)"', text)
        address = found[1].replace("&amp;", "&") if found else ""
    assert seen == [row["repository"] for row in rows]
    assert "Page 3 of 3" in text
    assert 'id="previous" href="/catalogue?q=n&amp;sort=repository&amp;page=2"' in text
    assert names_of((await own_client.get("/catalogue?page=9")).text) == ["No"]


async def test_before_the_first_catalogue(own_client):
    """The page says what to do."""
    answer = await own_client.get("/catalogue")
    assert answer.status_code == 503
    assert "git-contrib catalogue OWNER" in answer.text
    assert answer.headers["cache-control"] == "no-store"
