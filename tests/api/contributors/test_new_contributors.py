"""The dataset and its totals."""

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
                "repository_id": 1,
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


async def test_several_repositories(client):
    """The parameter may be repeated."""
    items = (await client.get(f"{PATH}?repository=fork&repository=umbrella/anvil&min=1")).json()["items"]
    assert [(item["repository"], item["number_of_new_contributors"]) for item in items] == [
        ("umbrella/anvil", 1),
        ("umbrella/anvil", 2),
        ("acme/fork", 4),
    ]


async def test_sort(client):
    """Largest first, then by name; ties are broken the same way each time."""
    answer = await client.get(f"{PATH}?sort=-number_of_new_contributors,repository&page_size=4")
    assert [(item["number_of_new_contributors"], item["repository"]) for item in answer.json()["items"]] == [
        (5, "acme/again"),
        (4, "acme/anvil"),
        (4, "acme/fork"),
        (3, "acme/anvil"),
    ]


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


async def test_summary_without_bots(client):
    """`bots` leaves them out of every number, or leaves nothing but them; the parts add up."""
    address = "/v1/new-contributors/summary?repository=acme/anvil"
    whole, people, bots = [
        (await client.get(f"{address}{query}")).json()["items"] for query in ("", "&bots=false", "&bots=true")
    ]
    for row, of_people, of_bots in zip(whole, people, bots, strict=True):
        for name in ("number_of_new_contributors", "cumulative_contributors"):
            assert row[name] == of_people[name] + of_bots[name]
        assert of_people["number_of_new_bots"] == 0
        assert of_bots["number_of_new_bots"] == of_bots["number_of_new_contributors"] == row["number_of_new_bots"]
    assert whole[-1]["cumulative_contributors"] == 23
    assert people[-1]["cumulative_contributors"] == 22
