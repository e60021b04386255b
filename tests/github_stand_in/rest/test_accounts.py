"""Listings of owners, and who the caller is."""

import httpx
import pytest
from stand_in_helpers import follow, web

from github_stand_in.organisation import OWNER
from github_stand_in.server import StandIn


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


def test_emails_are_for_the_person_with_the_scope(api: httpx.Client, small: StandIn) -> None:
    emails = [
        {"email": "ann@example.invalid", "primary": True, "verified": True, "visibility": "private"},
        {"email": "old@example.invalid", "primary": False, "verified": False, "visibility": None},
    ]
    small.profile("ann", emails=emails, email=None)
    refused = api.get("/user/emails", headers={"authorization": "token owner"})
    assert (refused.status_code, refused.headers["x-accepted-oauth-scopes"]) == (404, "user, user:email")
    small.add_token("all=ann:user")
    assert api.get("/user/emails", headers={"authorization": "token all"}).json() == emails
    assert api.get("/users/ann").json()["email"] is None
    assert web.get(f"{small.api_url}/user/emails").status_code == 401


def test_organisations_are_for_the_person_with_the_scope(api: httpx.Client, small: StandIn) -> None:
    refused = api.get("/user/orgs", headers={"authorization": "token owner"})
    assert refused.status_code == 403
    assert "at least read:org" in refused.json()["message"]
    small.add_token("member=ann:user:acme,unknown")
    (acme,) = api.get("/user/orgs", headers={"authorization": "token member"}).json()
    assert (acme["login"], acme["id"]) == ("acme", api.get("/orgs/acme").json()["id"])


def test_a_collaborator_sees_the_repository(api: httpx.Client, small: StandIn) -> None:
    small.add_token("guest=bob:repo")
    token = {"authorization": "token guest"}
    assert api.get("/user/repos", headers=token).json() == []
    small.update("acme/secret", collaborators=["Bob"])
    assert [entry["name"] for entry in api.get("/user/repos", headers=token).json()] == ["secret"]
    assert api.get("/user/repos?affiliation=owner", headers=token).json() == []
    assert api.get("/user/repos?visibility=public", headers=token).json() == []
    assert "secret" in {entry["name"] for entry in api.get("/orgs/acme/repos", headers=token).json()}
