"""The repositories of a target, and what became of one that is listed no more."""

from datetime import UTC, datetime

import orjson
import pytest
from fake_time import START
from github_answers import answer
from github_scene import API, GitHubScene

from git_contrib_assets.errors import GitHubUnavailable, NotAllowed, TargetFailed, UnknownTarget
from git_contrib_assets.records import Repository, Target
from git_contrib_assets.sources.github.listing import find_again, list_target

ORGANISATION = f"{API}/orgs/acme/repos?per_page=100&type=public&sort=full_name"
USER = f"{API}/users/acme/repos?per_page=100&type=owner&sort=full_name"
DATE = {"date": "Tue, 14 Nov 2023 22:00:00 GMT"}
LISTED_AT = datetime.fromisoformat("2023-11-14T22:00:00")
ACME = Target("acme")


def some(count, start=1):
    """So many sensible records."""
    one = answer("repository")
    return [
        {**one, "id": number, "name": f"r{number}", "full_name": f"acme/r{number}"}
        for number in range(start, start + count)
    ]


@pytest.fixture
def scene():
    return GitHubScene()


# Owners


async def test_an_organisation(scene, httpx_mock):
    httpx_mock.add_response(url=ORGANISATION, json=answer("repositories"), headers=DATE)
    listing = await list_target(scene.client, ACME)
    assert listing.repositories[0] == Repository(
        repository_id=101,
        repository="acme/anvil",
        owner_id=900,
        owner="acme",
        owner_type="Organization",
        name="anvil",
        is_private=False,
        is_fork=False,
        is_archived=False,
        default_branch="main",
        created_at=datetime.fromisoformat("2015-03-01T10:00:00"),
        pushed_at=datetime.fromisoformat("2023-10-31T12:34:56"),
        stars=7,
        language="Python",
        target="acme",
        first_seen_at=LISTED_AT,
        listed_at=LISTED_AT,
        visibility="public",
    )
    assert listing.complete
    assert listing.rejected == []
    assert scene.budget.requests == 1


async def test_private_repositories_are_left_out(scene, httpx_mock):
    """Their ids alone are kept: one that was public is known by it."""
    httpx_mock.add_response(url=ORGANISATION, json=answer("repositories"))
    listing = await list_target(scene.client, ACME)
    assert "acme/vault" not in [one.repository for one in listing.repositories]
    assert listing.private == {answer("repository_private")["id"]}


@pytest.mark.parametrize(
    ("fields", "public"),
    [
        ({"private": False, "visibility": "public"}, True),
        ({"private": False}, True),
        ({"private": True}, False),
        ({"private": True, "visibility": "private"}, False),
        ({"private": True, "visibility": "internal"}, False),
        ({"private": False, "visibility": "internal"}, False),
        ({"private": False, "visibility": "something new"}, False),
    ],
    ids=str,
)
async def test_what_is_public(scene, httpx_mock, fields, public):
    """Only what both fields call so."""
    one = {key: value for key, value in answer("repository").items() if key != "visibility"}
    httpx_mock.add_response(url=ORGANISATION, json=[{**one, **fields}])
    listing = await list_target(scene.client, ACME)
    assert [one.repository for one in listing.repositories] == ["acme/anvil"] * public
    assert listing.private == set() if public else {101}


async def test_only_what_github_promises_is_needed(scene, httpx_mock):
    httpx_mock.add_response(url=ORGANISATION, json=answer("repositories"))
    bare = (await list_target(scene.client, ACME)).repositories[-1]
    assert (bare.repository, bare.name, bare.owner_type) == ("acme/bare", "bare", "Organization")
    assert (bare.default_branch, bare.created_at, bare.pushed_at, bare.stars, bare.language) == (None,) * 5
    assert (bare.is_fork, bare.is_archived, bare.is_private) == (False, False, False)


async def test_a_user_is_found_where_there_is_no_organisation(scene, httpx_mock):
    httpx_mock.add_response(
        url=f"{API}/orgs/acme/repos?per_page=100&type=public&sort=full_name", status_code=404, json=answer("not_found")
    )
    httpx_mock.add_response(url=USER, json=some(1))
    assert len((await list_target(scene.client, ACME)).repositories) == 1


async def test_who_is_known_to_be_a_user_is_asked_as_one(scene, httpx_mock):
    httpx_mock.add_response(url=USER, json=some(1))
    await list_target(scene.client, ACME, owner_type="User")
    assert scene.budget.requests == 1


async def test_a_user_who_became_an_organisation_is_found(scene, httpx_mock):
    httpx_mock.add_response(url=USER, status_code=404)
    httpx_mock.add_response(url=ORGANISATION, json=some(2))
    assert len((await list_target(scene.client, ACME, owner_type="User")).repositories) == 2


async def test_nobody_of_that_name(scene, httpx_mock):
    httpx_mock.add_response(status_code=404, json=answer("not_found"), is_reusable=True)
    with pytest.raises(UnknownTarget, match="acme"):
        await list_target(scene.client, ACME)
    assert scene.budget.requests == 2


async def test_an_owner_without_repositories(scene, httpx_mock):
    httpx_mock.add_response(url=ORGANISATION, json=[])
    listing = await list_target(scene.client, ACME)
    assert listing.repositories == []
    assert listing.complete


@pytest.mark.parametrize(("more", "repositories"), [(0, 100), (7, 107)])
async def test_after_a_full_page_without_a_link_the_next_is_asked(scene, httpx_mock, more, repositories):
    """That there is no link does not say that there is no more: what stands between may drop the header."""
    httpx_mock.add_response(url=ORGANISATION, json=some(100))
    httpx_mock.add_response(url=f"{ORGANISATION}&page=2", json=some(more, start=1000))
    assert len((await list_target(scene.client, ACME)).repositories) == repositories
    assert scene.budget.requests == 2


async def test_several_pages(scene, httpx_mock):
    for page, count in ((1, 100), (2, 100), (3, 7)):
        link = {"link": f'<{API}/page{page + 1}>; rel="next"'} if page < 3 else {}
        url = ORGANISATION if page == 1 else f"{API}/page{page}"
        httpx_mock.add_response(url=url, json=some(count, start=1000 * page), headers=link)
    listing = await list_target(scene.client, ACME)
    assert len({one.repository_id for one in listing.repositories}) == 207
    assert scene.budget.requests == 3


async def test_without_a_date_it_is_now(scene, httpx_mock):
    httpx_mock.add_response(url=ORGANISATION, json=some(1), headers={"date": "one of these days"})
    before = datetime.now(UTC).replace(tzinfo=None)
    (one,) = (await list_target(scene.client, ACME)).repositories
    assert before <= one.listed_at <= datetime.now(UTC).replace(tzinfo=None)


async def test_a_date_that_no_calendar_knows_is_now(scene, httpx_mock):
    httpx_mock.add_response(url=ORGANISATION, json=some(1), headers={"date": "Wed, 01 Jan 99999999999 00:00:00 GMT"})
    (one,) = (await list_target(scene.client, ACME)).repositories
    assert one.listed_at.timestamp() > START


async def test_what_single_sign_on_hides_is_told(scene, httpx_mock):
    httpx_mock.add_response(
        url=ORGANISATION, json=some(1), headers={"x-github-sso": "partial-results; organizations=1,2"}
    )
    listing = await list_target(scene.client, ACME)
    assert not listing.complete
    assert "single sign-on" in listing.note
    assert len(listing.repositories) == 1


# Odd records


async def test_records_that_make_no_sense_are_kept_apart(scene, httpx_mock):
    """Two of them are sensible: they are taken, and each other one is kept with a reason."""
    records = answer("repositories_of_odd_shapes")
    httpx_mock.add_response(url=ORGANISATION, json=records)
    listing = await list_target(scene.client, ACME)
    assert [one.repository_id for one in listing.repositories] == [101, 130]
    assert [orjson.loads(record) for record, _ in listing.rejected] == records[1:-1]
    assert all(reason for _, reason in listing.rejected)


@pytest.mark.parametrize("content", [b"<html>", b"", b"{}", b'{"message":"x"}', b"null", b'["\xff"]', b'"text"'])
async def test_a_list_that_is_none(scene, httpx_mock, content):
    httpx_mock.add_response(url=ORGANISATION, content=content)
    with pytest.raises(GitHubUnavailable, match="acme"):
        await list_target(scene.client, ACME)


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        ({"status_code": 403, "json": answer("sso_required"), "headers": {"x-github-sso": "required; url=https://sso.test"}}, NotAllowed),
        ({"status_code": 403, "json": answer("not_accessible_by_token")}, NotAllowed),
        ({"status_code": 422, "json": {"message": "Validation Failed"}}, TargetFailed),
        ({"status_code": 410, "json": {"message": "This version is gone"}}, TargetFailed),
    ],
    ids=["sso", "permission", "422", "410"],
)  # fmt: skip
async def test_a_refused_list(scene, httpx_mock, reply, error):
    httpx_mock.add_response(**reply)
    with pytest.raises(error) as caught:
        await list_target(scene.client, ACME)
    assert "acme" in str(caught.value)
    assert reply["json"]["message"] in str(caught.value)


# One repository


async def test_a_single_repository(scene, httpx_mock):
    httpx_mock.add_response(url=f"{API}/repos/acme/anvil", json=answer("repository"), headers=DATE)
    (one,) = (await list_target(scene.client, Target("acme", "anvil"))).repositories
    assert (one.repository, one.target, one.listed_at) == ("acme/anvil", "acme/anvil", LISTED_AT)


async def test_a_single_repository_that_was_renamed(scene, httpx_mock):
    """It comes under its present name."""
    moved = {"location": f"{API}/repositories/101"}
    httpx_mock.add_response(
        url=f"{API}/repos/acme/old", status_code=301, json=answer("moved_permanently"), headers=moved
    )
    httpx_mock.add_response(url=f"{API}/repositories/101", json=answer("repository_moved"))
    (one,) = (await list_target(scene.client, Target("acme", "old"))).repositories
    assert (one.repository, one.owner, one.target) == ("forge/anvil-next", "forge", "acme/old")


async def test_a_single_private_repository_is_not_listed(scene, httpx_mock):
    """Even where the token may read it."""
    httpx_mock.add_response(json=answer("repository_private"))
    listing = await list_target(scene.client, Target("acme", "vault"))
    assert (listing.repositories, listing.private) == ([], {answer("repository_private")["id"]})


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        ({"status_code": 404, "json": answer("not_found")}, UnknownTarget),
        ({"status_code": 451, "json": answer("blocked_dmca")}, TargetFailed),
        ({"status_code": 403, "json": answer("sso_required")}, NotAllowed),
        ({"status_code": 200, "text": "<html>"}, GitHubUnavailable),
        ({"status_code": 200, "json": []}, GitHubUnavailable),
        ({"status_code": 200, "json": {"id": 101, "full_name": "acme/anvil"}}, GitHubUnavailable),
    ],
    ids=["404", "451", "sso", "html", "a list", "no owner"],
)
async def test_a_single_repository_that_cannot_be_had(scene, httpx_mock, reply, error):
    httpx_mock.add_response(**reply)
    with pytest.raises(error, match="acme/anvil"):
        await list_target(scene.client, Target("acme", "anvil"))


# The signed-in user


ME = f"{API}/user/repos?per_page=100&affiliation=owner%2Ccollaborator%2Corganization_member&sort=full_name"


async def test_all_that_the_signed_in_user_can_see(scene, httpx_mock):
    """Of private ones the ids alone are kept: they tell how many were left out."""
    httpx_mock.add_response(url=ME, json=answer("repositories"))
    listing = await list_target(scene.client, Target("@me"))
    assert {one.target for one in listing.repositories} == {"@me"}
    assert "acme/vault" not in [one.repository for one in listing.repositories]
    assert (len(listing.private), listing.private_repositories) == (1, [])


async def test_private_ones_are_kept_where_they_are_asked_for(scene, httpx_mock):
    httpx_mock.add_response(url=ME, json=answer("repositories"))
    listing = await list_target(scene.client, Target("@me"), with_private=True)
    (private,) = listing.private_repositories
    assert (private.repository, private.is_private, private.visibility) == ("acme/vault", True, "private")
    assert "acme/vault" not in [one.repository for one in listing.repositories]


async def test_of_an_organisation_too(scene, httpx_mock):
    url = f"{API}/orgs/acme/repos?per_page=100&type=all&sort=full_name"
    internal = {**answer("repository"), "id": 5, "private": True, "visibility": "internal"}
    httpx_mock.add_response(url=url, json=[*answer("repositories"), internal])
    listing = await list_target(scene.client, ACME, with_private=True)
    assert {one.visibility for one in listing.private_repositories} == {"private", "internal"}


async def test_a_single_private_repository(scene, httpx_mock):
    httpx_mock.add_response(url=f"{API}/repos/acme/vault", json={**answer("repository"), "private": True})
    listing = await list_target(scene.client, Target("acme", "vault"), with_private=True)
    assert ([one.visibility for one in listing.private_repositories], listing.repositories) == (["private"], [])


async def test_nobody_is_signed_in_without_a_token():
    with pytest.raises(NotAllowed, match="GITHUB_TOKEN"):
        await list_target(GitHubScene(token=None).client, Target("@me"))


# What became of one


async def gone(scene, httpx_mock):
    httpx_mock.add_response(url=f"{API}/repos/acme/anvil", json=answer("repository"))
    return (await list_target(scene.client, Target("acme", "anvil"))).repositories[0]


async def test_a_repository_that_moved_is_found_by_its_number(scene, httpx_mock):
    before = await gone(scene, httpx_mock)
    httpx_mock.add_response(url=f"{API}/repositories/101", json=answer("repository_moved"))
    found, reason = await find_again(scene.client, before)
    assert reason == "moved"
    assert found.repository == "forge/anvil-next"


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ({"status_code": 404, "json": answer("not_found")}, "not_found"),
        ({"status_code": 403, "json": answer("blocked_tos")}, "blocked"),
        ({"status_code": 451, "json": answer("blocked_dmca")}, "blocked"),
        ({"status_code": 200, "json": {**answer("repository_private"), "id": 101}}, "private"),
        ({"status_code": 200, "json": {**answer("repository"), "visibility": "internal"}}, "private"),
        ({"status_code": 410, "json": {}}, "unavailable"),
        ({"status_code": 200, "text": "<html>"}, "unavailable"),
        ({"status_code": 200, "json": {"id": 101}}, "unavailable"),
    ],
    ids=["404", "tos", "dmca", "private", "internal", "410", "html", "odd"],
)
async def test_a_repository_that_is_gone(scene, httpx_mock, reply, reason):
    before = await gone(scene, httpx_mock)
    httpx_mock.add_response(url=f"{API}/repositories/101", **reply)
    assert await find_again(scene.client, before) == (None, reason)


async def test_a_403_that_is_no_block_says_nothing_of_the_repository(scene, httpx_mock):
    """The organisation asks for single sign-on: the repository is there, this token may not see it."""
    before = await gone(scene, httpx_mock)
    httpx_mock.add_response(url=f"{API}/repositories/101", status_code=403, json=answer("sso_required"))
    assert await find_again(scene.client, before) == (None, "unavailable")


@pytest.mark.parametrize("name", ["repository", "repository_private", "repository_moved"])
async def test_an_answer_about_another_repository_says_nothing_of_this_one(scene, httpx_mock, name):
    """Else the one would go by the name of the other."""
    before = await gone(scene, httpx_mock)
    httpx_mock.add_response(url=f"{API}/repositories/101", json={**answer(name), "id": 102})
    assert await find_again(scene.client, before) == (None, "unavailable")
