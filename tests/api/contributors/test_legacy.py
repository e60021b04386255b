"""/api/repos answers as its author's did."""

import pytest


async def test_answer_is_exact(client):
    """Only months with newcomers, forks too, by month, name and owner; members and types as ever."""
    answer = await client.get("/api/repos", params={"page": 1, "page_size": 5})
    assert answer.status_code == 200
    assert answer.json() == {
        "items": [
            {"month": "2015-01-01", "number_of_new_contributors": 5, "repo_name": "again"},
            {"month": "2016-01-01", "number_of_new_contributors": 2, "repo_name": "failed"},
            {"month": "2016-02-01", "number_of_new_contributors": 3, "repo_name": "anvil"},
            {"month": "2016-02-01", "number_of_new_contributors": 1, "repo_name": "anvil"},
            {"month": "2016-03-01", "number_of_new_contributors": 1, "repo_name": "anvil"},
        ],
        "page": 1,
        "page_size": 5,
        "total_records": 22,
    }


@pytest.mark.parametrize(
    ("query", "page", "page_size"),
    [
        ("", 1, 10),
        ("page=two&page_size=many", 1, 10),
        ("page=&page_size=", 1, 10),
        ("page=1.5", 1, 10),
        ("page=2&page=3", 2, 10),
        ("page_size=100", 1, 100),
        ("sort=name&repo=x", 1, 10),
    ],
)
async def test_defaults(client, query, page, page_size):
    """What is no number counts as not given; what is not known is ignored."""
    body = (await client.get(f"/api/repos?{query}")).json()
    assert (body["page"], body["page_size"]) == (page, page_size)
    assert len(body["items"]) == min(page_size, body["total_records"])


@pytest.mark.parametrize("page", [4, 10**9, 2**53 - 1, 2**53 + 1, 2**63 - 1])
async def test_page_past_the_end_is_empty(client, page):
    """It is a page like any other."""
    answer = await client.get("/api/repos", params={"page": page})
    assert answer.status_code == 200
    assert answer.json() == {"items": [], "page": page, "page_size": 10, "total_records": 22}


@pytest.mark.parametrize(
    "query", ["page=0", "page=-1", "page_size=0", "page_size=101", f"page={2**63}", "page=1&page_size=-5"]
)
async def test_out_of_range(client, problem_of, query):
    """The problem also carries the members the first clients read."""
    body = problem_of(await client.get(f"/api/repos?{query}"), 400, "invalid-parameter")
    assert body["error_code"] == "00001"
    assert body["description"] == body["detail"]


async def test_a_page_out_of_range_is_told_its_bound(client):
    """The one that it missed."""
    assert (await client.get("/api/repos?page=0")).json()["detail"] == "page must be at least 1."
    detail = (await client.get(f"/api/repos?page={2**63}")).json()["detail"]
    assert detail == f"page must be between 1 and {2**63 - 1}."


async def test_pages_never_overlap(client):
    """All pages together are the whole list."""
    whole = (await client.get("/api/repos?page_size=100")).json()["items"]
    pages = [(await client.get(f"/api/repos?page_size=3&page={page}")).json()["items"] for page in range(1, 9)]
    assert [item for page in pages for item in page] == whole
