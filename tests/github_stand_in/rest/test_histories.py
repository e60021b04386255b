"""The commits of a repository and the way between two of them."""

from datetime import UTC, datetime

import httpx
from stand_in_helpers import follow

from github_stand_in.git_objects import run_git
from github_stand_in.organisation import OWNER
from github_stand_in.server import NewCommit, StandIn


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


def test_an_empty_repository_is_a_conflict(api: httpx.Client) -> None:
    reply = api.get("/repos/acme/empty/commits")
    assert reply.status_code == 409
    assert reply.json()["message"] == "Git Repository is empty."
    assert api.get("/repos/acme/empty/stats/contributors").status_code == 204
    assert api.get("/repos/acme/empty/contributors").status_code == 204


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
