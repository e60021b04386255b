"""Why this number: the people behind each count, on snapshots that the real publisher made."""

import csv
import io
import random
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest
from histories import DAY, Commit, MadeHome, at, commit

from api.contributors import models
from api.kit.settings import Settings
from api.main import create_app

LIST = "/v1/contributors/new"
ADDRESSES = [
    *(f"{name}@example.com" for name in ("ann", "bob", "dora", "eve", "fay", "gil", "hal", "ida")),
    "carol@work.example",
    "carol@home.example",
    "7+ann@users.noreply.github.com",
    "9+renewer[bot]@users.noreply.github.com",
    "localhost",
    "",
]
NAMES = ["Ann", "Bob", "", "a@b", "renewer[bot]", "ΣΊΣΥΦΟΣ", "=cmd()"]
ALL_TIME = "from=0001-01&to=9999-12&forks=true"
MEMBERS = [
    "repository",
    "contributor",
    "login",
    "name",
    "contributor_id",
    "is_bot",
    "first_commit_at",
    "first_commit_sha",
    "first_commit_url",
    "identity",
    "first_in_organisation",
    "repository_id",
]


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> MadeHome:
    """Six repositories of two owners, with people, bots, ties and odd dates of every kind."""
    made, chance = MadeHome(tmp_path_factory.mktemp("crowded")), random.Random(11)  # noqa: S311 - not a secret

    def one_commit() -> Commit:
        # few moments, so that many tie
        when = at(chance.choice(["2019-12-31", "2020-06-01", "2020-02-29", "2021-02-01", "2022-01-01"]))
        made_at = when + chance.randrange(30) * DAY
        sha = f"{chance.getrandbits(160):040x}"
        return commit(chance.choice(ADDRESSES), made_at, name=chance.choice(NAMES), sha=sha)

    for number in range(1, 7):
        history = [one_commit() for _ in range(chance.choice([12, 40, 60]))]
        twins = [replace(one, sha=f"{chance.getrandbits(160):040x}") for one in history[:3]]
        made.repository(*history, *twins, repository_id=number, name=f"acme/r{number}", is_fork=number == 6)
    made.answer("carol@work.example", 8, "carol")
    made.answer("carol@home.example", 8, "carol")
    made.repository(
        commit("7+ann@users.noreply.github.com", "2020-01-01T00:00:00", name="Ann"),
        commit("ann@example.com", "2020-01-02T00:00:00", name="ann@example.com"),
        repository_id=7,
        name="umbrella/anvil",
        owner_id=2,
    )
    made.repository(repository_id=8, name="acme/never", never_read=True)
    made.publish()
    return made


@pytest.fixture
async def people(crowded: MadeHome) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an app over the crowded organisation."""
    app = create_app(Settings(published=crowded.home.published))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        yield client
    app.state.store.close()


@pytest.fixture
async def everybody(people: httpx.AsyncClient) -> list[dict]:
    """All items of the list."""
    answer = await people.get(f"{LIST}?{ALL_TIME}&page_size=1000")
    models.PeoplePage.model_validate_json(answer.content)
    return answer.json()["items"]


async def test_every_count_has_its_people(people, crowded):
    """Each cell of the snapshot: as many people as the number says, and as many bots."""
    cells = crowded.table("monthly_new_contributors")
    assert sum(cell["number_of_new_contributors"] for cell in cells) > 50
    for cell in cells:
        path = f"/v1/repositories/{cell['repository']}/new-contributors/{cell['date']:%Y-%m}"
        answer = await people.get(path)
        assert answer.status_code == 200, answer.text
        models.PeopleOfMonth.model_validate_json(answer.content)
        body = answer.json()
        assert body["date"] == cell["date"].isoformat()
        assert len(body["items"]) == body["total_records"] == body["number_of_new_contributors"]
        assert body["number_of_new_contributors"] == cell["number_of_new_contributors"]
        assert sum(item["is_bot"] for item in body["items"]) == cell["number_of_new_bots"]
        assert len({item["contributor_id"] for item in body["items"]}) == len(body["items"])


async def test_the_list_is_the_first_commits(everybody, crowded):
    """No more and no fewer, with the members that were promised."""
    firsts = {(row["repository"], row["contributor_id"]): row for row in crowded.table("first_commits")}
    assert len(everybody) == len(firsts) > 50
    for item in everybody:
        assert [*item] == MEMBERS
        first = firsts[item["repository"], item["contributor_id"]]
        assert item["first_commit_at"] == f"{first['first_commit_at']:%Y-%m-%dT%H:%M:%SZ}"
        assert item["first_commit_sha"] == first["first_commit_sha"]
        assert item["contributor"] == (item["login"] or item["name"])
        page = f"https://github.com/{item['repository']}/commit/{item['first_commit_sha']}"
        assert item["first_commit_url"] == page
        assert "@" not in str(item)
    assert {item["identity"] for item in everybody} == {"account", "bot", "email", "name"}
    assert any(item["contributor"] is None for item in everybody)


async def test_first_in_the_organisation_is_one_of_the_firsts(everybody, people, crowded):
    """The earliest with that owner, then the smallest sha; each contributor has exactly one with each owner."""
    owners = {row["repository"]: row["owner_id"] for row in crowded.repositories()}
    earliest = {}
    for item in everybody:
        key = (owners[item["repository"]], item["contributor_id"])
        mark = (item["first_commit_at"], item["first_commit_sha"])
        earliest[key] = min(mark, earliest.get(key, mark))
    told = [item for item in everybody if item["first_in_organisation"]]
    for item in told:
        key = (owners[item["repository"]], item["contributor_id"])
        assert (item["first_commit_at"], item["first_commit_sha"]) == earliest.pop(key)
    assert earliest == {}
    assert len(told) < len(everybody)
    # who is known at one owner is new at another
    assert {owners[item["repository"]] for item in told if item["contributor_id"] == "github:7"} == {1, 2}
    answer = await people.get(f"{LIST}?{ALL_TIME}&page_size=1000&first_in=organisation")
    assert answer.json()["items"] == told


async def test_a_tie_to_the_last_letter_is_not_the_fork_s(tmp_path):
    """The same commit in a repository and in a fork of it: first in the repository."""
    made = MadeHome(tmp_path)
    one = commit("ann@example.com", "2021-03-01T00:00:00")
    made.repository(one, repository_id=1, name="acme/a-fork", is_fork=True)
    made.repository(one, repository_id=2, name="acme/origin")
    made.publish()
    app = create_app(Settings(published=made.home.published, server_url=None))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        items = (await client.get(f"{LIST}?forks=true&sort=repository")).json()["items"]
        without_forks = (await client.get(LIST)).json()["items"]
        named = (await client.get(f"{LIST}?repository=a-fork")).json()["items"]
    app.state.store.close()
    assert [(item["repository"], item["first_in_organisation"]) for item in items] == [
        ("acme/a-fork", False),
        ("acme/origin", True),
    ]
    assert [item["repository"] for item in without_forks] == ["acme/origin"]
    assert [item["repository"] for item in named] == ["acme/a-fork"]
    assert {item["first_commit_url"] for item in items} == {None}


async def test_filters(people, everybody):
    """Each leaves out what it says, and nothing else."""
    cases = {
        "bots=true": lambda item: item["is_bot"],
        "bots=false": lambda item: not item["is_bot"],
        "repository=umbrella/anvil": lambda item: item["repository"] == "umbrella/anvil",
        "repository=umbrella/anvil&repository=r2": lambda item: item["repository"] in {"umbrella/anvil", "acme/r2"},
    }
    for query, fits in cases.items():
        answer = await people.get(f"{LIST}?{ALL_TIME}&page_size=1000&{query}")
        assert answer.json()["items"] == [item for item in everybody if fits(item)], query
        assert 0 < answer.json()["total_records"] < len(everybody)


async def test_order_and_pages(people, everybody):
    """The newest first; pages never overlap, whatever the order; the next page's address is given."""
    times = [item["first_commit_at"] for item in everybody]
    assert times == sorted(times, reverse=True)
    address, found = f"{LIST}?{ALL_TIME}&page_size=7&sort=contributor,-repository", []
    while address:
        answer = await people.get(address)
        found += answer.json()["items"]
        address = answer.json()["links"]["next"]
        assert (f'<{address}>; rel="next"' in answer.headers.get("link", "")) == bool(address)
    keys = Counter((item["repository"], item["contributor_id"]) for item in found)
    assert len(found) == len(keys) == len(everybody)
    assert [item["contributor"] for item in found if item["contributor"]] == sorted(
        item["contributor"] for item in found if item["contributor"]
    )


@pytest.mark.parametrize(
    ("query", "first", "last"),
    [
        ("", "2021-02-01", "2021-03-01"),
        ("from=2020-05", "2020-05-01", "2021-03-01"),
        ("to=2020-05", "2020-05-01", "2020-05-01"),
        ("to=2021-03", "2021-02-01", "2021-03-01"),
        ("from=2022-01", "2022-01-01", "2022-01-01"),
        ("from=2020-01-31&to=2020-02-29", "2020-01-01", "2020-02-01"),
    ],
)
async def test_months_asked_for(tmp_path, query, first, last):
    """By default the last month that is whole and the one that is running; the answer says which."""
    made = MadeHome(tmp_path)
    made.repository(commit("a@example.com", "2021-03-02"), commit("b@example.com", "2021-02-02"))
    made.publish()
    app = create_app(Settings(published=made.home.published))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        body = (await client.get(f"{LIST}?{query}")).json()
    app.state.store.close()
    assert (body["from"], body["to"]) == (first, last)
    assert len(body["items"]) == sum(first <= month <= last for month in ("2021-02-01", "2021-03-01"))


async def test_files(people, everybody):
    """CSV holds all rows, and the same ones; a month's file is named after it."""
    text = (await people.get(f"{LIST}.csv?{ALL_TIME}")).text
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [*rows[0]] == MEMBERS
    assert [row["first_commit_sha"] for row in rows] == [item["first_commit_sha"] for item in everybody]
    assert {row["is_bot"] for row in rows} == {"true", "false"}
    month = "/v1/repositories/umbrella/anvil/new-contributors/2020-01"
    answer = await people.get(f"{month}.csv")
    assert 'filename="umbrella-anvil-2020-01-new-people-' in answer.headers["content-disposition"]
    assert len(list(csv.DictReader(io.StringIO(answer.text)))) == (await people.get(month)).json()["total_records"]
    by_accept = await people.get(month, headers={"accept": "text/csv"})
    assert by_accept.content == answer.content


async def test_a_month_has_two_spellings(people):
    """The day of the other is the first: it is how months are written in the answers."""
    path = "/v1/repositories/UMBRELLA/anvil/new-contributors"
    one, two = [(await people.get(f"{path}/{month}")).json() for month in ("2020-01", "2020-01-01")]
    assert one["items"] == two["items"] != []
    for link in ("series", "repository"):
        assert (await people.get(one["links"][link])).status_code == 200


@pytest.mark.parametrize(
    "month",
    [
        "2020",
        "2020-13",
        "2020-01-02",
        "0000-01",
        "2020-1",
        "today",
        "2020-01-01T00",
        "\u0662\u0660\u0662\u0660-\u0660\u0661",
    ],
)
async def test_a_month_that_is_none(people, problem_of, month):
    """It is told what a month looks like."""
    answer = await people.get(f"/v1/repositories/umbrella/anvil/new-contributors/{month}")
    (error,) = problem_of(answer, 400, "invalid-parameter")["errors"]
    assert (error["parameter"], error["value"]) == ("month", month)
    assert error["message"].startswith("must be a month as YYYY-MM")


async def test_a_month_outside_the_repository_s(people, problem_of, crowded):
    """404 names the first and the last; a repository without months says why it has none."""
    months = [row["date"] for row in crowded.table("monthly_new_contributors") if row["repository"] == "umbrella/anvil"]
    path = "/v1/repositories/umbrella/anvil/new-contributors"
    for suffix in ("", ".json", ".csv"):
        body = problem_of(await people.get(f"{path}/1999-12{suffix}"), 404, "unknown-month")
        span = f"{min(months):%Y-%m} to {max(months):%Y-%m}"
        assert body["detail"] == f"umbrella/anvil has the months {span}, not 1999-12."
    body = problem_of(await people.get("/v1/repositories/acme/never/new-contributors/2020-01"), 404, "unknown-month")
    assert body["detail"] == "acme/never has no months: it is pending."
    problem_of(await people.get("/v1/repositories/acme/nobody/new-contributors/2020-01"), 404, "unknown-repository")
    problem_of(await people.get(f"{path}/2020-01.parquet"), 404, "not-found")
