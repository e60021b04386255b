"""The page at `/` as it is served: its numbers are there before any script runs, and nothing in it can run by itself."""

import re
from datetime import date, datetime, timedelta

import httpx
import pytest

from api.page.rendering import NO_VALUE

HOSTILE = "<script>alert('x')</script>"


def value_of(text: str, name: str) -> str:
    """A headline number."""
    return re.sub(r"<[^>]*>", "", re.search(rf'data-value="{name}">(.*?)</(?:dd|b)>', text)[1])


def rows_of(text: str, section: str) -> list[list[str]]:
    """The cells of the table rows in a section, without their tags."""
    part = (
        text.partition(f'id="{section}"')[2].partition("</section>")[0].partition("<tbody>")[2].partition("</tbody>")[0]
    )
    rows = re.findall(r"<tr[^>]*>(.*?)</tr>", part, re.DOTALL)
    cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in rows]
    return [[" ".join(re.sub(r"<[^>]*>", " ", cell).split()) for cell in row] for row in cells]


async def test_the_numbers_are_in_the_page(client):
    """Those of the API: the last whole month, the last twelve, all time; the running month is not among the twelve."""
    answer = await client.get("/")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    months = (await client.get("/v1/new-contributors/summary?to=2017-06")).json()["items"]
    assert value_of(answer.text, "in_month") == str(months[-1]["number_of_new_contributors"]) == "2"
    assert (
        value_of(answer.text, "in_year") == str(sum(row["number_of_new_contributors"] for row in months[-12:])) == "16"
    )
    assert value_of(answer.text, "complete") == "5 / 8"
    assert "3 of 12" in answer.text
    assert "Complete through" in answer.text


async def test_change_on_the_year_before(client):
    """In whole percent; if nobody was new before, it says so."""
    text = (await client.get("/?repository=acme/anvil")).text
    assert "+167 % from the previous 12 (6)" in text
    assert "none in the previous 12" in (await client.get("/?repository=acme/fork")).text


@pytest.mark.parametrize(
    ("query", "in_year", "months"),
    [
        ("?repository=acme/anvil", "16", 19),
        ("?repository=fork", "4", 3),
        ("?forks=true", "20", 31),
        ("?repository=acme/anvil&repository=umbrella/anvil", "16", 19),
        ("?repository=acme/anvil&from=2016-11&to=2017-02&forks=", "16", 4),
        ("?from=&to=&repository=&utm_source=elsewhere", "16", 31),
    ],
)
async def test_a_choice(client, query, in_year, months):
    """It changes the headline, and the table holds the months chosen; what is empty or strange is no choice."""
    text = (await client.get(f"/{query}")).text
    assert value_of(text, "in_year") == in_year
    assert len(rows_of(text, "monthly")) == months


async def test_bots_of_the_last_year_can_be_left_out(own_client, published, tables):
    """From the leaderboard, from its order and from the headline."""
    for row in tables["monthly_new_contributors"]:
        if row["repository"] == "acme/anvil" and row["date"] == date(2017, 5, 1):
            row["number_of_new_bots"] = 3
    published.publish("20170704T0600Z-bots", tables)
    text = (await own_client.get("/?bots=false")).text
    assert rows_of(text, "leaders")[0][:2] == ["acme/anvil", "13"]
    assert value_of(text, "in_year") == "13"


async def test_bots_can_be_left_out(client):
    """From the headline, from the months and from the leaderboard alike."""
    text = (await client.get("/?repository=acme/anvil&bots=false")).text
    assert value_of(text, "all_time") == "22"
    assert rows_of(text, "monthly")[-2] == ["Feb 2016", "2", "0", NO_VALUE, "2", "1"]
    leaders = {row[0]: row for row in rows_of(text, "leaders")}
    assert leaders["acme/anvil"][1:3] == ["16", "22"]


async def test_months_are_the_newest_first(client):
    """The running one says so."""
    rows = rows_of((await client.get("/?repository=acme/anvil")).text, "monthly")
    assert rows[0] == ["Jul 2017, so far", "1", "0", "1.3", "23", "1"]
    assert rows[1][0] == "Jun 2017"


async def test_leaders(client):
    """All repositories, forks unless asked for left out, in the order asked for; what is not complete is named."""
    rows = rows_of((await client.get("/")).text, "leaders")
    assert [row[1] for row in rows] == ["16", "0", "0", "0", "0", "0", "0"]
    assert "acme/fork fork" not in [row[0] for row in rows]
    rows = rows_of((await client.get("/?forks=true&sort=-new_contributors")).text, "leaders")
    assert [row[0] for row in rows[:3]] == ["acme/anvil", "acme/again vanished", "acme/fork fork"]
    text = (await client.get("/?sort=repository")).text
    assert [row[0] for row in rows_of(text, "leaders")][-1] == "umbrella/anvil"
    assert 'class="" aria-sort="ascending"' in text
    assert 'value="-repository"' in text


async def test_the_newest_people(own_client, published, tables):
    """Of the last whole month and of the running one, the newest first, each with the commit; the rest is counted."""
    (one,), (who,) = tables["first_commits"], tables["contributors"]
    times = [date(2017, 5, 31), *(date(2017, 6, 1) + timedelta(days=day) for day in range(33))]
    for number, day in enumerate(times):
        about = {
            "contributor_id": f"new-{number}",
            "login": None if number == 33 else f"login-{number}",
            "is_bot": number == 32,
        }
        moment = {"first_commit_at": datetime(day.year, day.month, day.day), "date": day.replace(day=1)}  # noqa: DTZ001
        tables["first_commits"].append({**one, **about, **moment})
        tables["contributors"].append({**who, **about, "name": HOSTILE})
    published.publish("20170704T0600Z-people", tables)
    text = (await own_client.get("/")).text
    people = re.findall(r"<li>(<span class=\"who\">.*?)</li>", text, re.DOTALL)
    words = [" ".join(re.sub(r"<[^>]*>", " ", entry).split()) for entry in people]
    assert words[0].startswith("&lt;script&gt;")
    assert words[1] == "login-32 bot first commit in acme/anvil 2 Jul 2017"
    assert len(words) == 20
    assert "And 13 more." in text
    assert f'href="https://github.com/acme/anvil/commit/{one["first_commit_sha"]}"' in text
    assert "login-32" not in (await own_client.get("/?bots=false")).text
    assert "Nobody was new in these months." in (await own_client.get("/?repository=acme/fork")).text


async def test_the_line_of_a_vanished_repository_ends_when_it_did(own_client, published, tables, make_series):
    """Its newcomers stay where they were, and the years since are empty, as those of the others are."""
    months = {1: (date(2015, 7, 1), [0, 3, *[0] * 22]), 6: (date(2015, 7, 1), [0, 3, 0])}
    of = {row["repository_id"]: row for row in tables["repositories"]}
    tables["monthly_new_contributors"] = [
        row for number, (first, counts) in months.items() for row in make_series(of[number], first, counts)
    ]
    published.publish("20170704T0600Z-gone", tables)
    text = (await own_client.get("/")).text
    lines = {
        re.search(r"/\?repository=([^\"]+)", row)[1]: re.search(r'points="([^"]*)"', row)[1]
        for row in re.findall(r"<tr.*?</tr>", text)
        if "polyline" in row
    }
    assert lines["acme/again"] == lines["acme/anvil"]
    assert len(lines["acme/anvil"].split()) == 8


async def test_a_choice_can_be_widened_by_months(client):
    """No month is refused by the form for not being among those that are shown."""
    for query in ("", "?repository=acme/fork&from=2012-01"):
        for field in re.findall(r'<input type="month"[^>]*>', (await client.get(f"/{query}")).text):
            assert " min=" not in field
            assert " max=" not in field


async def test_coverage_says_why(client):
    """Each repository that is not complete, with its reason."""
    rows = {row[0]: row[1:3] for row in rows_of((await client.get("/")).text, "coverage")}
    assert rows["acme/failed"] == ["failed", "history unavailable"]
    assert rows["acme/pending"] == ["not collected yet", NO_VALUE]
    assert rows["acme/empty"] == ["no commits", NO_VALUE]


async def test_every_address_in_the_page_is_there(client):
    """Each is ours, and answers; each panel leads to the API and to CSV."""
    text = (await client.get("/?repository=acme/anvil&repository=acme/fork&from=2016-11&bots=false")).text
    assert "://" not in re.sub(r'<a rel="noreferrer" href="[^"]*"', "", text)
    addresses = {one.replace("&amp;", "&") for one in re.findall(r'(?:href|src|data-source)="([^"#:]+)"', text)}
    assert len(addresses) > 20
    for address in addresses:
        answer = await client.get(address)
        assert answer.status_code == 200, address
        if address.startswith("/v1/") and ".csv" in address:
            assert "attachment" in answer.headers["content-disposition"]
    for section in ("headline", "monthly", "running", "newest", "leaders", "coverage"):
        part = text.partition(f'id="{section}"')[2].partition("</section>")[0]
        assert 'class="definition"' in part, section
        assert ">API<" in part, section
        assert ">CSV<" in part, section


@pytest.mark.parametrize(
    ("query", "status", "words"),
    [
        ("?repository=acme/anvli", 404, "acme/anvli is unknown"),
        ("?repository=anvil", 400, "is the name of several repositories"),
        ("?from=2017-13", 400, "from must be a month"),
        ("?from=2017-03&to=2017-01", 400, "to must not be before from"),
        ("?bots=perhaps", 400, "bots must be true or false"),
        ("?" + "&".join(f"repository=r{number}" for number in range(101)), 400, "at most 100"),
    ],
)
async def test_a_choice_that_makes_no_sense(client, query, status, words):
    """Is answered by a page for people, with the way back."""
    answer = await client.get(f"/{query}")
    assert answer.status_code == status
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    assert words in answer.text
    assert 'href="/"' in answer.text
    if status == 404:
        assert 'href="/?repository=acme/anvil"' in answer.text


async def test_before_the_first_snapshot(own_client):
    """The page says that there is none, how to get one, and when to come back."""
    answer = await own_client.get("/")
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    assert "git-contrib run" in answer.text
    assert "script" not in answer.text
    assert (await own_client.head("/")).status_code == 503


async def test_an_organisation_without_a_month(own_client, published):
    """Nothing was ever listed, and nothing breaks."""
    published.publish("20170704T0600Z-none", {})
    answer = await own_client.get("/")
    assert answer.status_code == 200
    assert value_of(answer.text, "in_year") == "0"
    assert rows_of(answer.text, "monthly") == [["There are no months in this range."]]


async def test_nothing_in_it_can_run(own_client, published, tables):
    """Whatever a name or a reason holds is text; there is no script and no style but those of files of ours."""
    for row in tables["repositories"]:
        row["state_reason"] = HOSTILE
        row["owner"] = row["owner"] + HOSTILE
        row["repository"] = f"acme/{row['name']}{HOSTILE}"
    for row in tables["monthly_new_contributors"]:
        row["repository"] = f"{row['repository']}{HOSTILE}"
    published.publish("20170704T0600Z-hostile", tables)
    for query in (
        "",
        f"?repository=acme/pending{HOSTILE}",
        f"?repository={HOSTILE}",
        f"?from={HOSTILE}",
        f"?sort={HOSTILE}",
    ):
        answer = await own_client.get(f"/{query}")
        assert answer.status_code in {200, 400, 404}
        assert "alert" not in query or "<script>alert" not in answer.text
        assert "<script>" not in answer.text
        for attributes in re.findall(r"<script([^>]*)>", answer.text):
            assert re.search(r'src="/static/[^"]+"', attributes)
        assert not re.findall(r"<style|\sstyle=|\son[a-z]+=\"|javascript:", answer.text)
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self';")
        assert "unsafe" not in policy
        assert "*" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"


async def test_the_page_is_kept_and_compressed(client):
    """As every answer: by ETag, compressed, and short."""
    answer = await client.get("/", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert int(answer.headers["content-length"]) < 20_000
    again = await client.get("/", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_behind_a_proxy_that_mounts_it_elsewhere(made_app):
    """All addresses begin with the path it is mounted at."""
    transport = httpx.ASGITransport(made_app, root_path="/counts")
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        text = (await client.get("/counts/?repository=acme/anvil")).text
    for address in re.findall(r'(?:href|src|action|data-source)="([^"#:]+)"', text):
        assert address.startswith("/counts/"), address
