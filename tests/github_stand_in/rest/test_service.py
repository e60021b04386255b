"""The REST half of the stand-in behaves as GitHub does."""

from datetime import UTC, datetime

import httpx
import pytest
from stand_in_helpers import web

from github_stand_in.git_objects import run_git
from github_stand_in.organisation import OWNER
from github_stand_in.server import NewCommit, StandIn


def follow(client: httpx.Client, path: str) -> list[dict[str, object]]:
    """All entries, by the Link headers alone."""
    entries: list[dict[str, object]] = []
    reply = client.get(path)
    while True:
        entries += reply.json()
        if "next" not in reply.links:
            return entries
        reply = client.get(reply.links["next"]["url"])


def test_lists_the_repositories_in_pages_with_links_by_number(harbor_api: httpx.Client) -> None:
    reply = harbor_api.get(f"/orgs/{OWNER}/repos", params={"per_page": 5, "sort": "full_name"})
    assert reply.status_code == 200
    assert "/organizations/91400217/repos?per_page=5&sort=full_name&page=2" in reply.links["next"]["url"]
    assert reply.links["last"]["url"].endswith("page=3")
    found = [entry["full_name"] for entry in follow(harbor_api, f"/orgs/{OWNER}/repos?per_page=5&sort=full_name")]
    assert len(found) == 12
    assert found == sorted(found)


def test_a_page_past_the_end_is_empty_and_points_back(harbor_api: httpx.Client) -> None:
    reply = harbor_api.get(f"/orgs/{OWNER}/repos", params={"per_page": 5, "page": 9})
    assert reply.json() == []
    assert set(reply.links) == {"prev", "first"}


@pytest.mark.parametrize(("per_page", "expected"), [("abc", 30), ("0", 30), ("-3", 30), ("1000", 100), ("7", 7)])
def test_reads_an_odd_page_size_as_github_does(harbor_api: httpx.Client, per_page: str, expected: int) -> None:
    assert len(harbor_api.get(f"/repos/{OWNER}/lighthouse/commits", params={"per_page": per_page}).json()) == expected


def test_commits_are_those_of_git_log_in_its_order(harbor_api: httpx.Client, harbor: StandIn) -> None:
    directory = harbor.root / OWNER / "harbor-charts.git"
    expected = run_git(directory, "log", "--format=%H%x00%ae%x00%at%x00%P", "main").splitlines()
    found = [
        "\0".join(
            (
                entry["sha"],
                entry["commit"]["author"]["email"],
                str(int(datetime.fromisoformat(entry["commit"]["author"]["date"]).timestamp())),
                " ".join(parent["sha"] for parent in entry["parents"]),
            )
        )
        for entry in follow(harbor_api, f"/repos/{OWNER}/harbor-charts/commits?per_page=100")  # type: ignore[index]
    ]
    assert found == expected


def test_pages_of_a_pinned_tip_do_not_move_when_somebody_pushes(api: httpx.Client, small: StandIn) -> None:
    tip = api.get("/repos/acme/tools/commits").json()[0]["sha"]
    first = api.get("/repos/acme/tools/commits", params={"sha": tip, "per_page": 2}).json()
    pushed = small.push("acme/tools", [NewCommit("dee", "dee@example.invalid", datetime(2025, 5, 5, tzinfo=UTC))])
    second = api.get("/repos/acme/tools/commits", params={"sha": tip, "per_page": 2, "page": 2}).json()
    assert len({entry["sha"] for entry in first + second}) == 4
    assert api.get("/repos/acme/tools/commits").json()[0]["sha"] == pushed[-1]


def test_since_and_until_look_at_the_committer_date(api: httpx.Client, small: StandIn) -> None:
    late = NewCommit(
        "eve",
        "eve@example.invalid",
        datetime(2023, 1, 1, tzinfo=UTC),
        committer_date=datetime(2026, 1, 1, tzinfo=UTC),
    )
    small.push("acme/tools", [late])
    found = api.get("/repos/acme/tools/commits", params={"since": "2025-12-01T00:00:00Z"}).json()
    assert [entry["commit"]["author"]["name"] for entry in found] == ["eve"]
    assert len(api.get("/repos/acme/tools/commits", params={"until": "2024-01-02T00:00:00Z"}).json()) == 2


def test_says_who_the_account_is_or_that_there_is_none(api: httpx.Client, small: StandIn) -> None:
    small.link("cleo@example.invalid", None)
    small.push("acme/tools", [NewCommit("dee", "dee@example.invalid", datetime(2025, 5, 5, tzinfo=UTC))])
    commits = {
        entry["commit"]["author"]["name"]: entry["author"] for entry in api.get("/repos/acme/tools/commits").json()
    }
    assert commits["ann"]["id"] == 11
    assert commits["bob"]["type"] == "Bot"
    assert commits["cleo"] == {}
    assert commits["dee"] is None


def test_an_empty_repository_is_a_conflict(api: httpx.Client) -> None:
    reply = api.get("/repos/acme/empty/commits")
    assert reply.status_code == 409
    assert reply.json()["message"] == "Git Repository is empty."
    assert api.get("/repos/acme/empty/stats/contributors").status_code == 204
    assert api.get("/repos/acme/empty/contributors").status_code == 204


@pytest.mark.parametrize(
    "path",
    ["/orgs/nobody/repos", "/orgs/ann/repos", "/users/nobody", "/repos/acme/missing", "/orgs/acme/repos/", "/nonsense"],
)
def test_what_is_missing_is_not_found(api: httpx.Client, path: str) -> None:
    reply = api.get(path)
    assert reply.status_code == 404
    assert reply.json()["message"] == "Not Found"


def test_names_may_be_written_in_any_case(api: httpx.Client) -> None:
    assert api.get("/repos/ACME/Tools").json()["full_name"] == "acme/tools"


def test_a_renamed_repository_redirects_with_everything_behind_it(api: httpx.Client, small: StandIn) -> None:
    small.rename("acme/tools", "toolbox")
    reply = api.get("/repos/acme/tools/commits", params={"per_page": 2})
    assert reply.status_code == 301
    assert reply.json()["message"] == "Moved Permanently"
    followed = api.get(reply.headers["location"])
    assert len(followed.json()) == 2
    assert "/repos/acme/toolbox/" in followed.json()[0]["url"]


def test_a_known_answer_costs_nothing_and_is_bound_to_the_token(api: httpx.Client) -> None:
    first = api.get("/orgs/acme/repos")
    again = api.get("/orgs/acme/repos", headers={"if-none-match": first.headers["etag"]})
    assert again.status_code == 304
    assert again.content == b""
    assert again.headers["x-ratelimit-remaining"] == first.headers["x-ratelimit-remaining"]
    other = {"if-none-match": first.headers["etag"], "authorization": "Bearer owner"}
    assert api.get("/orgs/acme/repos", headers=other).status_code == 200


def test_compares_two_commits(api: httpx.Client, small: StandIn) -> None:
    old = api.get("/repos/acme/tools/commits").json()[0]["sha"]
    moment = datetime(2025, 1, 1, tzinfo=UTC)
    new = small.push(
        "acme/tools", [NewCommit(f"p{number}", f"p{number}@example.invalid", moment) for number in range(5)]
    )
    ahead = api.get(f"/repos/acme/tools/compare/{old}...{new[-1]}").json()
    assert (ahead["status"], ahead["ahead_by"], ahead["behind_by"]) == ("ahead", 5, 0)
    assert [entry["sha"] for entry in ahead["commits"]] == new
    assert ahead["merge_base_commit"]["sha"] == old
    page = api.get(f"/repos/acme/tools/compare/{old}...{new[-1]}", params={"per_page": 2, "page": 2})
    assert [entry["sha"] for entry in page.json()["commits"]] == new[2:4]
    assert "files" not in page.json()
    assert "/repositories/" in page.links["next"]["url"]
    assert api.get(f"/repos/acme/tools/compare/{new[-1]}...{old}").json()["status"] == "behind"
    assert api.get(f"/repos/acme/tools/compare/{old}...{old}").json()["status"] == "identical"
    assert api.get(f"/repos/acme/tools/compare/{'0' * 40}...{old}").status_code == 404


def test_history_that_was_rewritten_is_seen_as_diverged_or_gone(api: httpx.Client, small: StandIn) -> None:
    commits = [entry["sha"] for entry in api.get("/repos/acme/tools/commits").json()]
    moment = datetime(2025, 1, 1, tzinfo=UTC)
    (fresh,) = small.push("acme/tools", [NewCommit("zoe", "zoe@example.invalid", moment)], start=commits[2])
    reply = api.get(f"/repos/acme/tools/compare/{commits[0]}...{fresh}").json()
    assert (reply["status"], reply["ahead_by"], reply["behind_by"]) == ("diverged", 1, 2)
    (root,) = small.push("acme/tools", [NewCommit("new", "new@example.invalid", moment)], start=None)
    assert [entry["sha"] for entry in api.get("/repos/acme/tools/commits").json()] == [root]
    assert api.get(f"/repos/acme/tools/compare/{commits[0]}...{root}").status_code == 404


def test_statistics_come_after_a_while_and_anew_after_a_push(api: httpx.Client, small: StandIn) -> None:
    path = "/repos/acme/tools/stats/contributors"
    assert [api.get(path).status_code for _ in range(2)] == [202, 200]
    (bot, ann) = api.get(path).json()
    assert (ann["author"]["login"], ann["total"], bot["author"]["type"]) == ("ann", 2, "Bot")
    assert all(datetime.fromtimestamp(week["w"], UTC).isoweekday() == 7 for week in ann["weeks"])
    small.push("acme/tools", [NewCommit("dee", "dee@example.invalid", datetime(2025, 5, 5, tzinfo=UTC))])
    assert api.get(path).status_code == 202


def test_contributors_without_account_are_shown_on_demand(api: httpx.Client) -> None:
    assert {entry["login"] for entry in api.get("/repos/acme/tools/contributors").json()} == {"ann", "helper[bot]"}
    everybody = api.get("/repos/acme/tools/contributors", params={"anon": "1"}).json()
    assert [entry["type"] for entry in everybody] == ["User", "Bot", "Anonymous"]


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


def test_asks_for_a_valid_token_and_a_user_agent(api: httpx.Client, small: StandIn) -> None:
    bad = api.get("/orgs/acme/repos", headers={"authorization": "Bearer wrong"})
    assert (bad.status_code, bad.json()["message"]) == (401, "Bad credentials")
    assert api.get("/orgs/acme/repos", headers={"user-agent": ""}).status_code == 403
    assert web.get(f"{small.api_url}/orgs/acme/repos").headers["x-ratelimit-limit"] == "60"
    assert web.get(f"{small.api_url}/user").status_code == 401
    assert api.get("/user").json()["login"] == "stand-in-user"
    assert api.get("/user", auth=("x-access-token", "owner")).json()["login"] == "ann"
    small.revoke_token("good")
    assert api.get("/user").status_code == 401


def test_knows_the_versions_of_the_api(api: httpx.Client) -> None:
    assert "rate" in api.get("/rate_limit").json()
    assert "rate" not in api.get("/rate_limit", headers={"x-github-api-version": "2026-03-10"}).json()
    assert api.get("/rate_limit", headers={"x-github-api-version": "1999-01-01"}).status_code == 400


def test_changes_of_the_listing_are_seen_after_a_reload(api: httpx.Client, small: StandIn) -> None:
    small.update("acme/tools", archived=True)
    assert api.get("/repos/acme/tools").json()["archived"] is True
    small.remove("acme/tools")
    assert api.get("/repos/acme/tools").status_code == 404
