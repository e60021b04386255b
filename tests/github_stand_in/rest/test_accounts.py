"""Listings of owners, and who the caller is."""

import httpx
import pytest
from stand_in_helpers import follow

from github_stand_in.organisation import OWNER


def test_lists_the_repositories_in_pages_with_links_by_number(harbor_api: httpx.Client) -> None:
    reply = harbor_api.get(f"/orgs/{OWNER}/repos", params={"per_page": 5, "sort": "full_name"})
    assert reply.status_code == 200
    assert "/organizations/91400217/repos?per_page=5&sort=full_name&page=2" in reply.links["next"]["url"]
    assert reply.links["last"]["url"].endswith("page=3")
    found = [entry["full_name"] for entry in follow(harbor_api, f"/orgs/{OWNER}/repos?per_page=5&sort=full_name")]
    assert len(found) == 12
    assert found == sorted(found)


def test_names_may_be_written_in_any_case(api: httpx.Client) -> None:
    assert api.get("/repos/ACME/Tools").json()["full_name"] == "acme/tools"


@pytest.mark.parametrize(
    "path",
    ["/orgs/nobody/repos", "/orgs/ann/repos", "/users/nobody", "/repos/acme/missing", "/orgs/acme/repos/", "/nonsense"],
)
def test_what_is_missing_is_not_found(api: httpx.Client, path: str) -> None:
    reply = api.get(path)
    assert reply.status_code == 404
    assert reply.json()["message"] == "Not Found"


def test_private_repositories_are_for_their_owner_alone(api: httpx.Client) -> None:
    def names(token: str, path: str) -> set[str]:
        reply = api.get(path, headers={"authorization": f"token {token}"})
        return {entry["name"] for entry in reply.json()}

    assert names("good", "/orgs/acme/repos") == {"tools", "empty"}
    assert names("owner", "/orgs/acme/repos") == {"tools", "empty", "secret"}
    assert names("scopeless", "/orgs/acme/repos") == {"tools", "empty"}
    assert names("owner", "/user/repos") == {"tools", "empty", "secret", "notes"}
    assert names("owner", "/user/repos?affiliation=owner") == {"notes"}
    assert names("owner", "/users/ann/repos") == {"notes"}
    assert api.get("/repos/acme/secret").status_code == 404
    assert api.get("/user/repos?type=all&visibility=all").status_code == 422
