"""The catalogue: what is listed is landed, what is gone is asked about once, and one target's failure is its own."""

from dataclasses import replace
from datetime import datetime, timedelta

import httpx
import pytest
from github_answers import answer
from github_scene import GitHubScene

from git_contrib_assets.errors import (
    GitHubUnavailable,
    LimitReached,
    NotAllowed,
    TargetFailed,
    TokenRefused,
    UnknownTarget,
)
from git_contrib_assets.landing.catalogue import refresh_catalogue
from git_contrib_assets.progress import Reporter, reporting_to
from git_contrib_assets.records import Target
from git_contrib_assets.storage.home import Home
from git_contrib_assets.storage.landing_zone import LandingZone

FIRST_DAY = datetime.fromisoformat("2023-11-14T22:00:00")


class FakeGitHub:
    """Owners with their repositories, by number; ``refusals`` are replies by path."""

    def __init__(self):
        self.repositories = {}
        self.refusals = {}
        self.asked = []
        self.day = 0

    def add(self, number, name, **more):
        owner, _, short = name.partition("/")
        one = {**answer("repository"), "id": number, "name": short, "full_name": name, **more}
        one["owner"] = {"login": owner, "id": sum(owner.encode()), "type": "Organization"}
        self.repositories[number] = one

    def __call__(self, request):
        path = request.url.path
        self.asked.append(path)
        if path in self.refusals:
            return self.refusals[path]
        date = (FIRST_DAY + timedelta(days=self.day)).strftime("%a, %d %b %Y %H:%M:%S GMT")
        found = self._find(path.strip("/").split("/"))
        return httpx.Response(404 if found is None else 200, json=found or [], headers={"date": date})

    def _find(self, parts):
        every = self.repositories.values()
        match parts:
            case ["orgs", owner, "repos"]:
                return [one for one in every if one["owner"]["login"] == owner] or None
            case ["repositories", number]:
                return self.repositories.get(int(number))
            case ["repos", owner, name]:
                return next((one for one in every if one["full_name"] == f"{owner}/{name}"), None)
        return None


class Heard(Reporter):
    """Remembers what it is told."""

    def __init__(self):
        self.targets = {}
        self.failed = {}
        self.records = 0

    def listed(self, target, repositories):
        self.targets[target] = [one.repository for one in repositories]

    def target_failed(self, target, error):
        self.failed[target] = error

    def rejected(self, records, reason):
        self.records += records


class Scene:
    def __init__(self, folder, github):
        home = Home(folder)
        home.prepare()
        self.landing, self.github, self.heard = LandingZone(home), github, Heard()
        self.landing.prepare()

    async def refresh(self, *targets):
        """The catalogue of a day later."""
        self.github.day += 1
        self.github.asked.clear()
        self.heard = Heard()
        with reporting_to(self.heard):
            return await refresh_catalogue(GitHubScene().client, self.landing, [Target.parse(one) for one in targets])

    @property
    def landed(self):
        return {one.repository_id: one for one in self.landing.repositories.all()}


@pytest.fixture
def github(httpx_mock):
    github = FakeGitHub()
    for number, name in ((101, "acme/anvil"), (102, "acme/bolt"), (201, "forge/fire")):
        github.add(number, name)
    httpx_mock.add_callback(github, is_reusable=True, is_optional=True)
    return github


@pytest.fixture
def scene(tmp_path, github):
    return Scene(tmp_path / "home", github)


def today(scene):
    return FIRST_DAY + timedelta(days=scene.github.day)


# Listing


async def test_what_is_listed_is_landed(scene):
    catalogue = await scene.refresh("acme", "forge/fire")
    assert [one.repository for one in catalogue.current] == ["acme/anvil", "acme/bolt", "forge/fire"]
    assert catalogue.everything == scene.landing.repositories.all() == catalogue.current
    assert [scene.landed[number].target for number in (101, 102, 201)] == ["acme", "acme", "forge/fire"]
    assert scene.heard.targets == {"acme": ["acme/anvil", "acme/bolt"], "forge/fire": ["forge/fire"]}


async def test_it_remembers_when_it_saw_a_repository_first(scene):
    await scene.refresh("acme")
    first = today(scene)
    await scene.refresh("acme")
    assert (scene.landed[101].first_seen_at, scene.landed[101].listed_at) == (first, today(scene))


async def test_an_unchanged_owner_is_one_request(scene):
    for _ in range(2):
        await scene.refresh("acme")
        assert scene.github.asked == ["/orgs/acme/repos"]


async def test_an_owner_known_to_be_a_user_is_asked_as_one(scene):
    await scene.refresh("acme")
    scene.landing.repositories.write([replace(one, owner_type="User") for one in scene.landing.repositories.all()])
    await scene.refresh("acme")
    assert scene.github.asked[0] == "/users/acme/repos"


async def test_a_target_named_twice_is_listed_once(scene):
    catalogue = await scene.refresh("acme", "acme")
    assert scene.github.asked == ["/orgs/acme/repos"]
    assert len(catalogue.current) == 2


async def test_what_other_targets_listed_before_stays(scene):
    await scene.refresh("forge")
    catalogue = await scene.refresh("acme")
    assert [one.repository_id for one in catalogue.everything] == [101, 102, 201]
    assert scene.landed[201].missing_since is None
    assert scene.github.asked == ["/orgs/acme/repos"]


@pytest.mark.parametrize("targets", [("acme", "acme/anvil"), ("acme/anvil", "acme")])
async def test_a_single_target_of_an_owner_that_is_listed_too_belongs_to_the_owner(scene, targets):
    """The owner's listing tells when the repository goes; the single one's would not."""
    catalogue = await scene.refresh(*targets)
    assert scene.landed[101].target == "acme"
    assert sorted(one.repository_id for one in catalogue.current) == [101, 102]
    await scene.refresh("acme/anvil")
    assert scene.landed[101].target == "acme"


async def test_odd_records_are_kept_and_counted(scene):
    odd = answer("repositories_of_odd_shapes")
    scene.github.refusals["/orgs/acme/repos"] = httpx.Response(200, json=odd)
    catalogue = await scene.refresh("acme")
    assert sorted(scene.landed) == [101, 130]
    assert catalogue.rejected == scene.heard.records == len(odd) - 2
    assert len((scene.landing.folder / "rejected.ndjson").read_bytes().splitlines()) == len(odd) - 2


# What is gone


async def test_a_repository_that_is_gone_is_asked_about_once(scene):
    await scene.refresh("acme")
    seen = today(scene)
    del scene.github.repositories[102]
    await scene.refresh("acme")
    assert scene.github.asked == ["/orgs/acme/repos", "/repositories/102"]
    gone = scene.landed[102]
    assert (gone.missing_since, gone.missing_reason, gone.repository) == (seen, "not_found", "acme/bolt")
    await scene.refresh("acme")
    assert scene.github.asked == ["/orgs/acme/repos"]
    assert scene.landed[102] == gone


async def test_one_that_comes_back_is_there_again(scene):
    await scene.refresh("acme")
    first, bolt = today(scene), scene.github.repositories.pop(102)
    await scene.refresh("acme")
    scene.github.repositories[102] = bolt
    catalogue = await scene.refresh("acme")
    back = scene.landed[102]
    assert (back.missing_since, back.missing_reason, back.first_seen_at) == (None, None, first)
    assert back in catalogue.current


async def test_one_that_moved_keeps_its_number_under_its_new_name(scene):
    await scene.refresh("acme")
    scene.github.add(102, "forge/bolt-next")
    await scene.refresh("acme")
    moved = scene.landed[102]
    assert (moved.repository, moved.owner, moved.name, moved.missing_reason) == (
        "forge/bolt-next",
        "forge",
        "bolt-next",
        "moved",
    )
    assert moved.missing_since is not None


@pytest.mark.parametrize(
    "targets", [("acme", "forge"), ("forge", "acme"), ("acme", "forge/bolt"), ("forge/bolt", "acme")]
)
async def test_one_that_moved_to_where_we_look_is_not_missing(scene, targets):
    await scene.refresh("acme")
    scene.github.add(102, "forge/bolt")
    for _ in range(2):
        catalogue = await scene.refresh(*targets)
        assert scene.landed[102].missing_since is None
        assert scene.landed[102].repository == "forge/bolt"
        assert [one.repository_id for one in catalogue.current].count(102) == 1


async def test_a_rename_is_no_loss(scene):
    await scene.refresh("acme")
    scene.github.add(102, "acme/bolt-next")
    await scene.refresh("acme")
    assert scene.github.asked == ["/orgs/acme/repos"]
    assert (scene.landed[102].repository, scene.landed[102].missing_since) == ("acme/bolt-next", None)


async def test_one_that_slipped_through_while_pages_were_read_is_not_missing(scene):
    """The listing left it out, and it is where it always was."""
    await scene.refresh("acme")
    scene.github.refusals["/orgs/acme/repos"] = httpx.Response(200, json=[scene.github.repositories[101]])
    await scene.refresh("acme")
    assert scene.github.asked == ["/orgs/acme/repos", "/repositories/102"]
    assert scene.landed[102].missing_since is None


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ((451, answer("blocked_dmca")), "blocked"),
        ((403, answer("blocked_tos")), "blocked"),
        ((200, answer("repository_private")), "private"),
        ((410, {}), None),
        ((403, answer("sso_required")), None),
        ((200, "no record"), None),
    ],
    ids=["dmca", "tos", "private", "410", "sso", "odd"],
)
async def test_why_one_is_gone(scene, reply, reason):
    await scene.refresh("acme")
    del scene.github.repositories[102]
    scene.github.refusals["/repositories/102"] = httpx.Response(reply[0], json=reply[1])
    await scene.refresh("acme")
    assert scene.landed[102].missing_reason == reason
    assert (scene.landed[102].missing_since is None) == (reason is None)


@pytest.mark.parametrize(
    "reply",
    [
        httpx.Response(200, json=[{"id": None}]),
        httpx.Response(200, json=[], headers={"x-github-sso": "partial-results; organizations=1"}),
    ],
    ids=["odd record", "single sign-on"],
)
async def test_a_listing_that_is_not_whole_makes_nothing_missing(scene, reply):
    await scene.refresh("acme")
    scene.github.refusals["/orgs/acme/repos"] = reply
    await scene.refresh("acme")
    assert scene.github.asked == ["/orgs/acme/repos"]
    assert [one.missing_since for one in scene.landing.repositories.all()] == [None, None]


async def test_what_single_sign_on_hides_fails_the_target_and_keeps_what_is_listed(scene):
    headers = {"x-github-sso": "partial-results; organizations=1"}
    scene.github.refusals["/orgs/acme/repos"] = httpx.Response(
        200, json=[scene.github.repositories[101]], headers=headers
    )
    catalogue = await scene.refresh("acme")
    assert isinstance(catalogue.failed["acme"], TargetFailed)
    assert list(scene.landed) == [101]


async def test_a_single_repository_that_is_gone(scene):
    await scene.refresh("acme/anvil")
    del scene.github.repositories[101]
    catalogue = await scene.refresh("acme/anvil")
    assert isinstance(catalogue.failed["acme/anvil"], UnknownTarget)
    assert scene.landed[101].missing_reason == "not_found"
    await scene.refresh("acme/anvil")
    assert scene.github.asked == ["/repos/acme/anvil"]


async def test_an_owner_that_is_gone_takes_its_repositories_along(scene):
    await scene.refresh("acme")
    del scene.github.repositories[101]
    scene.github.add(102, "forge/bolt")
    catalogue = await scene.refresh("acme")
    assert isinstance(catalogue.failed["acme"], UnknownTarget)
    assert [scene.landed[number].missing_reason for number in (101, 102)] == ["not_found", "moved"]


async def test_an_owner_written_in_capitals_is_the_same(scene):
    await scene.refresh("acme")
    scene.github.refusals["/orgs/ACME/repos"] = httpx.Response(200, json=[scene.github.repositories[101]])
    del scene.github.repositories[102]
    await scene.refresh("ACME")
    assert scene.landed[102].missing_reason == "not_found"


# Failures


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (httpx.Response(404), UnknownTarget),
        (httpx.Response(422, json={"message": "x"}), TargetFailed),
        (httpx.Response(403, json=answer("sso_required")), NotAllowed),
        (httpx.Response(502), GitHubUnavailable),
        (httpx.Response(200, text="<html>"), GitHubUnavailable),
    ],
    ids=["404", "422", "sso", "502", "html"],
)
async def test_one_target_that_fails_leaves_the_others(scene, reply, error):
    scene.github.refusals["/orgs/nobody/repos"] = reply
    catalogue = await scene.refresh("nobody", "acme", "forge/none", "forge/fire")
    assert sorted(scene.landed) == [101, 102, 201]
    assert list(catalogue.failed) == ["nobody", "forge/none"]
    assert isinstance(catalogue.failed["nobody"], error)
    assert isinstance(catalogue.failed["forge/none"], UnknownTarget)
    assert scene.heard.failed == catalogue.failed
    assert catalogue.listed == 2


async def test_a_question_about_one_that_is_gone_may_fail_and_the_listing_is_kept(scene):
    await scene.refresh("acme")
    del scene.github.repositories[102]
    scene.github.add(103, "acme/crate")
    scene.github.refusals["/repositories/102"] = httpx.Response(502)
    catalogue = await scene.refresh("acme")
    assert sorted(scene.landed) == [101, 102, 103]
    assert isinstance(catalogue.failed["acme"], GitHubUnavailable)
    assert scene.heard.targets["acme"] == ["acme/anvil", "acme/crate"]


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (httpx.Response(401, json=answer("bad_credentials")), TokenRefused),
        (httpx.Response(403, json=answer("login_attempts_exceeded")), TokenRefused),
        (httpx.Response(403, headers={"retry-after": "9999"}), LimitReached),
    ],
    ids=["401", "attempts", "limit"],
)
async def test_what_stops_everything_keeps_what_was_listed_before(scene, reply, error):
    """And nothing more is asked."""
    scene.github.refusals["/orgs/forge/repos"] = reply
    with pytest.raises(error):
        await scene.refresh("acme", "forge", "acme/anvil", "other")
    assert sorted(scene.landed) == [101, 102]
    assert scene.github.asked == ["/orgs/acme/repos", "/orgs/forge/repos"]


async def test_me_without_a_token_is_that_targets_own_failure(scene):
    scene.github.day += 1
    client = GitHubScene(token=None).client
    catalogue = await refresh_catalogue(client, scene.landing, [Target("@me"), Target("acme")])
    assert isinstance(catalogue.failed["@me"], NotAllowed)
    assert sorted(scene.landed) == [101, 102]
