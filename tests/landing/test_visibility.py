"""What GitHub says of repositories before and after they are read, and in how many requests."""

from dataclasses import replace

import httpx
import pytest
from crawl_scene import listed
from fake_github import FakeGitHub
from github_answers import answer
from github_scene import GitHubScene

from git_contrib_assets.errors import LimitReached, TokenRefused
from git_contrib_assets.landing.visibility import VisibilityOnGitHub
from git_contrib_assets.sources.github.limits import Bucket

OWNER = "/orgs/acme/repos"


class Scene:
    """Repositories 1, 2, 3 ... of acme, as they were listed, and GitHub as it is now."""

    def __init__(self, github, number):
        self.github = github
        self.known = [listed(one, f"acme/r{one}") for one in range(1, number + 1)]
        for one in self.known:
            github.add(one.repository_id, one.repository)
        self.hub = GitHubScene()

    @property
    def visibility(self):
        return VisibilityOnGitHub(self.hub.client, self.known)

    async def refusals(self, *numbers):
        """The reasons, by id."""
        self.github.asked.clear()
        found = await self.visibility.refusals([one for one in self.known if one.repository_id in numbers])
        assert all(f"acme/r{number}" in str(error) for number, error in found.items())
        return {number: error.reason for number, error in found.items()}


@pytest.fixture
def github(httpx_mock):
    github = FakeGitHub()
    httpx_mock.add_callback(github, is_reusable=True, is_optional=True)
    return github


@pytest.fixture
def scene(github):
    return Scene(github, 5)


# How many requests it takes


async def test_one_is_asked_about_by_its_number(scene):
    assert await scene.refusals(3) == {}
    assert scene.github.asked == ["/repositories/3"]


async def test_several_are_asked_about_by_the_list_of_their_owner(scene):
    assert await scene.refusals(2, 3, 4) == {}
    assert scene.github.asked == [OWNER]


async def test_the_shorter_way_is_taken(github):
    """A list of 201 has three pages: it is read for more than three."""
    scene = Scene(github, 201)
    assert await scene.refusals(7, 8, 9) == {}
    assert sorted(scene.github.asked) == ["/repositories/7", "/repositories/8", "/repositories/9"]
    assert await scene.refusals(6, 7, 8, 9) == {}
    assert scene.github.asked == [OWNER] * 3


async def test_those_that_are_gone_make_no_list_longer(github):
    scene = Scene(github, 201)
    scene.known = [replace(one, missing_since=one.listed_at) if one.repository_id > 9 else one for one in scene.known]
    await scene.refusals(1, 2)
    assert set(scene.github.asked) == {OWNER}


async def test_single_targets_are_asked_about_by_their_numbers(scene):
    scene.known = [replace(one, target=one.repository) for one in scene.known]
    await scene.refusals(1, 2)
    assert sorted(scene.github.asked) == ["/repositories/1", "/repositories/2"]


async def test_about_none_nobody_is_asked(scene):
    assert await scene.refusals() == {}
    assert scene.github.asked == []


@pytest.mark.parametrize(("number", "seconds"), [(1, 14.4), (2, 28.8), (3, 28.8), (150, 28.8)])
async def test_asking_takes_a_twentieth_of_what_github_allows(github, number, seconds):
    """5,000 in an hour are a request in 14.4 s; a list of 150 has two pages."""
    scene = Scene(github, 150)
    some = scene.known[:number]
    assert scene.visibility.patience(some) == pytest.approx(seconds)  # that is what is assumed until GitHub tells
    scene.hub.budget.buckets["core"] = Bucket(limit=500, remaining=400, reset_at=scene.hub.time() + 3600)
    assert scene.visibility.patience(some) == pytest.approx(min(60.0, 10 * seconds))
    scene.hub.budget.buckets["core"].remaining = 10
    assert scene.visibility.patience(some) == 0.0
    assert VisibilityOnGitHub(GitHubScene(token=None).client, scene.known).patience(some[:1]) == 60.0


# What it says


@pytest.mark.parametrize("by_list", [False, True], ids=["by number", "by list"])
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda github: github.hide(3), "private"),
        (lambda github: github.add(3, "acme/r3", private=True), "private"),
        (lambda github: github.add(3, "acme/r3", visibility="internal"), "private"),
        (lambda github: github.add(3, "acme/other"), "renamed"),
        (lambda github: github.add(3, "forge/r3"), "renamed"),
        (lambda github: github.repositories.pop(3), "not_found"),
        (lambda github: github.repositories.update({3: github.repositories[4]}), "visibility_unknown"),
    ],
    ids=["hidden", "private", "internal", "renamed", "moved", "gone", "another"],
)
async def test_what_must_not_be_read(scene, change, reason, by_list):
    change(scene.github)
    assert await scene.refusals(*((2, 3, 4) if by_list else (3,))) == {3: reason}


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (httpx.Response(451, json=answer("blocked_dmca")), "blocked"),
        (httpx.Response(403, json=answer("blocked_tos")), "blocked"),
        (httpx.Response(403, json=answer("sso_required")), "visibility_unknown"),
        (httpx.Response(502), "visibility_unknown"),
        (httpx.Response(200, text="<html>"), "visibility_unknown"),
    ],
    ids=["dmca", "tos", "sso", "502", "html"],
)
async def test_an_answer_that_does_not_call_it_public(scene, reply, reason):
    scene.github.refusals["/repositories/3"] = reply
    assert await scene.refusals(3) == {3: reason}


@pytest.mark.parametrize(
    "reply",
    [httpx.Response(404), httpx.Response(422), httpx.Response(502), httpx.Response(403, json=answer("sso_required"))],
    ids=["404", "422", "502", "sso"],
)
async def test_a_list_that_does_not_come_says_nothing_of_its_repositories(scene, reply):
    """Those of other targets are public all the same."""
    scene.github.add(9, "forge/fire")
    scene.known.append(listed(9, "forge/fire"))
    scene.github.refusals |= {OWNER: reply, "/users/acme/repos": reply}
    found = await scene.visibility.refusals(scene.known)
    assert {number: error.reason for number, error in found.items()} == dict.fromkeys(range(1, 6), "visibility_unknown")


@pytest.mark.parametrize("numbers", [(3,), (2, 3, 4)], ids=["by number", "by list"])
@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (httpx.Response(401, json=answer("bad_credentials")), TokenRefused),
        (httpx.Response(403, headers={"retry-after": "9999"}), LimitReached),
    ],
    ids=["401", "limit"],
)
async def test_what_stops_everything(scene, reply, error, numbers):
    scene.github.refusals |= {OWNER: reply, "/repositories/3": reply}
    with pytest.raises(error):
        await scene.refusals(*numbers)


async def test_without_a_token_a_limit_stops_nothing(scene):
    """What is private cannot be read then, and the next listing shows which repository has which name."""
    scene.github.refusals["/repositories/3"] = httpx.Response(403, headers={"retry-after": "9999"})
    scene.hub = GitHubScene(token=None)
    assert await scene.refusals(3) == {}
