"""Pages of a list, and their order."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.contributors import models
from api.kit.lists import ListQuery

PATH = "/v1/new-contributors"


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


LIST = ListQuery("contributors/new_contributors", models.NewContributors, "file", ties=("date", "repository_id"))


def test_columns_are_those_of_the_model():
    """A list shows what its model describes, in that order."""
    assert LIST.columns == (
        "repository",
        "date",
        "number_of_new_contributors",
        "number_of_new_bots",
        "cumulative_contributors",
        "repository_id",
    )


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("", "date, repository_id"),
        ("-date, repository", "date desc nulls last, repository asc nulls last, date, repository_id"),
    ],
)
def test_every_order_is_total(sort, order):
    """The ties come last."""
    assert f"order by {order}\n" in LIST.ordered(sort)


@pytest.mark.parametrize("sort", ["owner", "date; drop table x", "1", "--date", "date desc"])
def test_nothing_but_a_column_is_sorted_by(sort):
    """Whoever calls it, and whatever was checked before."""
    with pytest.raises(ValueError, match="has no column"):
        LIST.ordered(sort)
