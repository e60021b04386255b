"""The catalogue: what is listed is landed, what is gone is asked about once, and one target's failure is its own."""

from dataclasses import replace
from datetime import timedelta

import httpx
import pytest
from fake_github import FIRST_DAY, FakeGitHub
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
from git_contrib_assets.landing.catalogue import mark_private, refresh_catalogue, seen_private
from git_contrib_assets.progress import Reporter, reporting_to
from git_contrib_assets.records import Target
from git_contrib_assets.storage.home import Home
from git_contrib_assets.storage.landing_zone import LandingZone


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

    async def refresh(self, *targets, with_private=False):
        """The catalogue of a day later."""
        self.github.day += 1
        self.github.asked.clear()
        self.heard = Heard()
        with reporting_to(self.heard):
            parsed = [Target.parse(one) for one in targets]
            return await refresh_catalogue(
                GitHubScene().client,
                self.landing,
                parsed,
                run_id=f"run-{self.github.day}",
                with_private=with_private,
            )

    @property
    def private(self):
        return {one.repository_id: one for one in self.landing.catalogue.private_repositories.all()}

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
        ((200, {**answer("repository_private"), "id": 102}), "private"),
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


# What is private


async def test_one_that_turned_private_is_out_under_the_name_that_it_had(scene):
    await scene.refresh("acme")
    seen = today(scene)
    scene.github.hide(102, name="acme/secret-plan")
    catalogue = await scene.refresh("acme")
    gone = scene.landed[102]
    assert (gone.is_private, gone.missing_reason, gone.missing_since) == (True, "private", seen)
    assert (gone.repository, catalogue.private) == ("acme/bolt", {102})
    assert [one.repository_id for one in catalogue.current] == [101]


async def test_what_a_list_calls_private_is_not_asked_about(scene):
    await scene.refresh("acme", "forge/fire")
    scene.github.add(102, "acme/bolt", private=True)
    scene.github.add(201, "forge/fire", private=True)
    await scene.refresh("acme", "forge/fire")
    assert scene.github.asked == ["/orgs/acme/repos", "/repos/forge/fire"]
    assert [scene.landed[number].missing_reason for number in (101, 102, 201)] == [None, "private", "private"]


async def test_a_single_target_that_is_private_fails_and_says_so_every_day(scene):
    """A catalogue of nothing else goes on: the tables are to be made without it."""
    await scene.refresh("acme/anvil")
    scene.github.add(101, "acme/anvil", private=True)
    for _ in range(2):
        catalogue = await scene.refresh("acme/anvil")
        assert isinstance(catalogue.failed["acme/anvil"], TargetFailed)
        assert (catalogue.listed, catalogue.private) == (0, {101})
        assert scene.landed[101].is_private


async def test_a_private_repository_that_was_never_public_is_not_kept(scene):
    scene.github.add(101, "acme/anvil", private=True)
    catalogue = await scene.refresh("acme/anvil", "acme")
    assert catalogue.private == set()
    assert sorted(scene.landed) == [102]


async def test_a_private_repository_that_took_the_name_of_a_public_one(scene):
    await scene.refresh("acme/anvil")
    scene.github.add(101, "acme/anvil-old")
    scene.github.add(999, "acme/anvil", private=True)
    await scene.refresh("acme/anvil")
    assert [(one.repository, one.missing_reason) for one in scene.landing.repositories.all()] == [
        ("acme/anvil-old", "moved")
    ]


@pytest.mark.parametrize("targets", [("acme", "acme/anvil"), ("acme/anvil", "acme")])
async def test_what_was_seen_last_counts(scene, targets):
    """One target after the other is listed: in between it may change."""
    await scene.refresh(*targets)
    other = httpx.Response(200, json={**scene.github.repositories[101], "private": True})
    scene.github.refusals["/repos/acme/anvil"] = other
    catalogue = await scene.refresh(*targets)
    public_last = targets[-1] == "acme"
    assert (scene.landed[101].missing_since is None) == public_last
    assert (101 in {one.repository_id for one in catalogue.current}) == public_last
    assert catalogue.private == (set() if public_last else {101})


async def test_one_that_vanished_and_is_seen_private_later(scene):
    await scene.refresh("acme")
    bolt = scene.github.repositories.pop(102)
    await scene.refresh("acme")
    since = scene.landed[102].missing_since
    scene.github.repositories[102] = {**bolt, "private": True}
    await scene.refresh("acme")
    assert (scene.landed[102].missing_reason, scene.landed[102].missing_since) == ("private", since)


async def test_one_that_is_public_again_counts_as_seen_for_the_first_time(scene):
    """What landed before is older than that: it is not built upon."""
    await scene.refresh("acme")
    scene.github.hide(102)
    await scene.refresh("acme")
    scene.github.add(102, "acme/bolt")
    catalogue = await scene.refresh("acme")
    back = scene.landed[102]
    assert (back.is_private, back.missing_since, back.missing_reason) == (False, None, None)
    assert back.first_seen_at == back.listed_at == today(scene)
    assert back in catalogue.current


async def test_a_crawl_may_mark_one_as_private(scene):
    await scene.refresh("acme")
    before = scene.landed
    mark_private(scene.landing, {102})
    assert scene.landed == {**before, 102: seen_private(before[102])}


# Which run listed it


async def test_it_remembers_which_run_listed_a_repository(scene):
    """Those of a target that fails, and those of no target of the run, were seen by an earlier run."""
    scene.github.add(301, "iron/ore")
    await scene.refresh("acme", "forge", "iron")
    scene.github.refusals["/orgs/forge/repos"] = httpx.Response(422, json={"message": "x"})
    await scene.refresh("acme", "forge")
    listed_by = {number: one.listed_by for number, one in scene.landed.items()}
    assert listed_by == {101: "run-2", 102: "run-2", 201: "run-1", 301: "run-1"}


async def test_one_that_slipped_through_was_seen_by_this_run(scene):
    await scene.refresh("acme")
    scene.github.refusals["/orgs/acme/repos"] = httpx.Response(200, json=[scene.github.repositories[101]])
    catalogue = await scene.refresh("acme")
    assert scene.landed[102].listed_by == "run-2"
    assert scene.landed[102] in catalogue.current


async def test_one_that_could_not_be_asked_about_was_not_seen_by_this_run(scene):
    await scene.refresh("acme")
    scene.github.refusals["/orgs/acme/repos"] = httpx.Response(200, json=[scene.github.repositories[101]])
    scene.github.refusals["/repositories/102"] = httpx.Response(410, json={})
    await scene.refresh("acme")
    assert (scene.landed[102].listed_by, scene.landed[102].missing_since) == ("run-1", None)


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
    catalogue = await refresh_catalogue(client, scene.landing, [Target("@me"), Target("acme")], run_id="run")
    assert isinstance(catalogue.failed["@me"], NotAllowed)
    assert sorted(scene.landed) == [101, 102]


# Private repositories, for the catalogue


@pytest.fixture
def vault(github):
    """One that is not public, in the lists of those who may see it."""
    github.add(109, "acme/vault", private=True, visibility="private")


async def test_private_ones_are_landed_only_if_they_are_asked_for(scene, vault):
    catalogue = await scene.refresh("acme")
    assert (sorted(scene.landed), scene.private, catalogue.left_out) == ([101, 102], {}, 1)
    catalogue = await scene.refresh("acme", with_private=True)
    assert (sorted(scene.landed), sorted(scene.private), catalogue.left_out) == ([101, 102], [109], 0)
    assert scene.private[109].visibility == "private"


async def test_what_a_listing_of_public_ones_does_not_show_stays_as_it_was(scene, vault):
    await scene.refresh("acme", with_private=True)
    before = scene.private
    del scene.github.repositories[109]
    await scene.refresh("acme")
    assert scene.private == before
    assert scene.github.asked == ["/orgs/acme/repos"]


async def test_one_that_turned_private_is_kept_in_both_lists(scene, github):
    await scene.refresh("acme", with_private=True)
    github.add(102, "acme/bolt", private=True, visibility="private")
    catalogue = await scene.refresh("acme", with_private=True)
    assert catalogue.private == {102}
    assert (scene.landed[102].is_private, scene.landed[102].missing_reason) == (True, "private")
    assert scene.private[102].missing_since is None
    assert scene.private[102].first_seen_at == scene.landed[102].first_seen_at


async def test_one_that_is_public_now_leaves_the_private_list(scene, vault, github):
    await scene.refresh("acme", with_private=True)
    github.add(109, "acme/vault")
    await scene.refresh("acme")
    assert scene.private == {}
    assert not scene.landed[109].is_private
    names = [
        (one.visibility, one.last_day is None)
        for one in scene.landing.catalogue.names.all()
        if one.repository_id == 109
    ]
    assert sorted(names) == [("private", False), ("public", True)]


async def test_a_private_one_that_is_gone_is_asked_about_once_and_marked(scene, vault, github):
    await scene.refresh("acme", with_private=True)
    del github.repositories[109]
    await scene.refresh("acme", with_private=True)
    assert scene.github.asked == ["/orgs/acme/repos", "/repositories/109"]
    assert (scene.private[109].missing_reason, scene.private[109].repository) == ("not_found", "acme/vault")
    await scene.refresh("acme", with_private=True)
    assert scene.github.asked == ["/orgs/acme/repos"]


async def test_without_a_token_nothing_is_said_of_private_ones(scene, vault, github):
    await scene.refresh("acme", with_private=True)
    before = scene.private
    github.hide(109)
    github.asked.clear()
    client = GitHubScene(token=None).client
    await refresh_catalogue(client, scene.landing, [Target("acme")], run_id="run", with_private=True)
    assert scene.private == before
    assert github.asked == ["/orgs/acme/repos"]


async def test_one_that_slipped_from_page_to_page_stays(scene, vault, github):
    await scene.refresh("acme", with_private=True)
    github.hide(109)
    await scene.refresh("acme", with_private=True)
    assert scene.private[109].missing_since is None


async def test_a_single_private_repository_can_be_catalogued(scene, vault):
    catalogue = await scene.refresh("acme/vault", with_private=True)
    assert (catalogue.failed, sorted(scene.private)) == ({}, [109])
    catalogue = await scene.refresh("acme/vault")
    assert "is private" in str(catalogue.failed["acme/vault"])


async def test_private_names_are_in_no_list_of_public_ones(scene, vault):
    await scene.refresh("acme", with_private=True)
    for file in scene.landing.folder.rglob("*"):
        if file.is_file() and file.parent != scene.landing.catalogue.folder:
            assert b"vault" not in file.read_bytes()
