"""The dataset and its totals."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

PATH = "/v1/new-contributors"


async def test_answer_is_exact(client):
    """Zeros included, members as documented."""
    query = "repository=acme/anvil&from=2016-04&to=2016-06-30"
    assert (await client.get(f"{PATH}?{query}")).json() == {
        "items": [
            {
                "repository": "acme/anvil",
                "date": f"2016-0{month}-01",
                "number_of_new_contributors": count,
                "number_of_new_bots": 0,
                "cumulative_contributors": total,
            }
            for month, count, total in ((4, 0, 4), (5, 0, 4), (6, 2, 6))
        ],
        "page": 1,
        "page_size": 100,
        "total_records": 3,
        "links": {
            "self": f"{PATH}?from=2016-04&repository=acme/anvil&to=2016-06-30&page=1",
            "prev": None,
            "next": None,
        },
        "snapshot": "20170704T0600Z-made",
        "as_of": "2017-07-04T05:00:00Z",
        "complete_through": "2017-06-30",
        "identity": "partial",
        "definition_version": 1,
    }


@pytest.mark.parametrize("name", ["acme/fork", "fork", "FORK", "Acme/Fork"])
async def test_names_of_a_repository(client, name):
    """A short name will do where one repository has it; case does not matter; forks are in the list."""
    items = (await client.get(PATH, params={"repository": name})).json()["items"]
    assert {item["repository"] for item in items} == {"acme/fork"}


async def test_several_repositories(client):
    """The parameter may be repeated."""
    items = (await client.get(f"{PATH}?repository=fork&repository=umbrella/anvil&min=1")).json()["items"]
    assert [(item["repository"], item["number_of_new_contributors"]) for item in items] == [
        ("umbrella/anvil", 1),
        ("umbrella/anvil", 2),
        ("acme/fork", 4),
    ]


async def test_ambiguous_short_name(client, problem_of):
    """The candidates are named."""
    body = problem_of(await client.get(f"{PATH}?repository=anvil"), 400, "invalid-parameter")
    assert body["near"] == ["acme/anvil", "umbrella/anvil"]
    assert body["errors"] == [
        {
            "parameter": "repository",
            "message": "is the name of several: give acme/anvil or umbrella/anvil",
            "value": "anvil",
        }
    ]


async def test_name_taken_again_means_the_living_repository(client):
    """A vanished repository's name may have been given to another."""
    items = (await client.get(f"{PATH}?repository=acme/again")).json()["items"]
    assert [item["date"] for item in items] == ["2017-07-01"]


async def test_sort(client):
    """Largest first, then by name; ties are broken the same way each time."""
    answer = await client.get(f"{PATH}?sort=-number_of_new_contributors,repository&page_size=4")
    assert [(item["number_of_new_contributors"], item["repository"]) for item in answer.json()["items"]] == [
        (5, "acme/again"),
        (4, "acme/anvil"),
        (4, "acme/fork"),
        (3, "acme/anvil"),
    ]


async def test_links_lead_through_all_pages(client):
    """Whoever follows `next` sees the whole list once; the Link header says the same."""
    whole = (await client.get(f"{PATH}?page_size=1000")).json()
    seen, target = [], f"{PATH}?page_size=7&sort=-date,repository"
    while target:
        answer = await client.get(target)
        body = answer.json()
        seen += body["items"]
        target = body["links"]["next"]
        assert answer.links.get("next", {}).get("url") == target
        assert answer.links.get("prev", {}).get("url") == body["links"]["prev"]
    assert len(seen) == whole["total_records"] == len(whole["items"])
    assert sorted(map(str, seen)) == sorted(map(str, whole["items"]))


async def test_page_past_the_end(client):
    """It is empty, and leads back to the last one."""
    body = (await client.get(f"{PATH}?page=50&page_size=50")).json()
    assert body["items"] == []
    assert body["links"]["next"] is None
    assert body["links"]["prev"].endswith("page=2")


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    page_size=st.integers(1, 40),
    sort=st.lists(
        st.sampled_from(["date", "repository", "number_of_new_contributors"]), min_size=1, max_size=3, unique=True
    ),
    signs=st.lists(st.booleans(), min_size=3, max_size=3),
    minimum=st.integers(0, 3),
)
async def test_pages_are_the_list(client, page_size, sort, signs, minimum):
    """Whatever the size and the order, all pages joined are the list, without overlap."""
    order = ",".join(("-" if sign else "") + name for name, sign in zip(sort, signs, strict=False))
    query = {"sort": order, "min": minimum}
    whole = (await client.get(PATH, params={**query, "page_size": 1000})).json()["items"]
    joined = []
    for page in range(1, -(-len(whole) // page_size) + 1):
        answer = await client.get(PATH, params={**query, "page_size": page_size, "page": page})
        joined += answer.json()["items"]
    assert joined == whole


async def test_summary_adds_up(client):
    """Forks are left out; no month is missing, not even those between two repositories' lives."""
    items = (await client.get(f"{PATH}/summary")).json()["items"]
    months = [item["date"] for item in items]
    assert (months[0], months[-1], len(months)) == ("2015-01-01", "2017-07-01", 31)
    assert sum(item["number_of_new_contributors"] for item in items) == 5 + 2 + 23 + 3 + 1
    assert items[-1]["cumulative_contributors"] == 34
    assert items[5] == {
        "date": "2015-06-01",
        "number_of_new_contributors": 0,
        "number_of_new_bots": 0,
        "mean_12_months": None,
        "cumulative_contributors": 5,
        "repositories": 0,
    }
    assert items[11]["mean_12_months"] == round(5 / 12, 4)


async def test_summary_of_forks(client):
    """Forks count when asked for, and when named."""
    asked = (await client.get(f"{PATH}/summary?forks=true")).json()["items"]
    assert asked[-1]["cumulative_contributors"] == 38
    named = (await client.get(f"{PATH}/summary?repository=fork")).json()["items"]
    assert [item["number_of_new_contributors"] for item in named] == [4, 0, 0]


async def test_summary_keeps_what_was_before(client):
    """A later start changes neither the running total nor the mean."""
    whole = (await client.get(f"{PATH}/summary")).json()["items"]
    late = (await client.get(f"{PATH}/summary?from=2017-01&to=2017-03")).json()["items"]
    assert late == [item for item in whole if "2017-01" <= item["date"] < "2017-04"]


async def test_summary_by_year(client):
    """A row per year, named by its first day."""
    body = (await client.get(f"{PATH}/summary?interval=year")).json()
    assert body["interval"] == "year"
    assert [(item["date"], item["number_of_new_contributors"]) for item in body["items"]] == [
        ("2015-01-01", 5),
        ("2016-01-01", 17),
        ("2017-01-01", 12),
    ]


async def test_summary_by_quarter(client):
    """Quarters add up to the same."""
    items = (await client.get(f"{PATH}/summary?interval=quarter&from=2016-01")).json()["items"]
    assert [item["date"][5:] for item in items[:4]] == ["01-01", "04-01", "07-01", "10-01"]
    assert sum(item["number_of_new_contributors"] for item in items) == 29
