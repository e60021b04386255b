"""GitHub's own statistics: asked patiently but not for ever, and put beside ours."""

import pytest
from github_scene import API

from git_contrib_assets.errors import LimitReached, TokenRefused
from git_contrib_assets.reconciliation.statistics import TOLERANCE, Account, ask_statistics, compare

ANVIL, BOLT = "acme/anvil", "acme/bolt"


def address(repository):
    return f"{API}/repos/{repository}/stats/contributors"


def entry(account_id, login, total):
    return {"total": total, "weeks": [], "author": {"id": account_id, "login": login, "type": "User"}}


async def test_it_waits_while_github_computes(scene, httpx_mock):
    for _ in range(3):
        httpx_mock.add_response(url=address(ANVIL), status_code=202, json={})
    httpx_mock.add_response(url=address(ANVIL), json=[entry(7, "ann", 3)])
    assert await ask_statistics(scene.client, [ANVIL]) == ({ANVIL: [Account("github:7", "ann", 3)]}, {})
    assert scene.time.slept == [30.0] * 3
    assert "GitHub is computing the answer" in scene.said[0]


async def test_it_does_not_wait_for_ever(scene, httpx_mock):
    httpx_mock.add_response(url=address(ANVIL), status_code=202, json={}, is_reusable=True)
    found, missing = await ask_statistics(scene.client, [ANVIL])
    assert found == {}
    assert list(missing) == [ANVIL]
    assert "still computing" in missing[ANVIL]
    assert scene.time.slept == [30.0] * 20
    assert len(httpx_mock.get_requests()) == 21


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        ({"status_code": 404, "json": {"message": "Not Found"}}, "404 Not Found"),
        ({"text": "<html>"}, "make no sense"),
        ({"json": {"total": 3}}, "make no sense"),
        ({"json": [{"total": 3, "author": {"login": "ann"}}]}, "make no sense"),
    ],
)
async def test_one_repository_s_failure_is_its_own(scene, httpx_mock, reply, says):
    httpx_mock.add_response(url=address(ANVIL), **reply)
    httpx_mock.add_response(url=address(BOLT), json=[entry(7, "ann", 3)])
    found, missing = await ask_statistics(scene.client, [ANVIL, BOLT])
    assert list(found) == [BOLT]
    assert says in missing[ANVIL]


async def test_an_empty_repository_has_nobody(scene, httpx_mock):
    httpx_mock.add_response(url=address(ANVIL), status_code=204)
    assert await ask_statistics(scene.client, [ANVIL]) == ({ANVIL: []}, {})


@pytest.mark.parametrize(
    ("status", "headers", "error"),
    [(401, {}, TokenRefused), (403, {"retry-after": "9000"}, LimitReached)],
)
async def test_where_nobody_would_be_answered_it_stops(scene, httpx_mock, status, headers, error):
    httpx_mock.add_response(
        url=address(ANVIL), status_code=status, headers=headers, json={"message": "Bad credentials"}
    )
    with pytest.raises(error):
        await ask_statistics(scene.client, [ANVIL])


async def test_authors_without_an_account_are_left_out_and_bots_go_by_login(scene, httpx_mock):
    nobody = {"total": 9, "weeks": [], "author": None}
    httpx_mock.add_response(url=address(ANVIL), json=[nobody, entry(49, "Renovate[bot]", 5)])
    found, _ = await ask_statistics(scene.client, [ANVIL])
    assert found == {ANVIL: [Account("bot:renovate", "Renovate[bot]", 5)]}


# Side by side


def side_by_side(theirs, ours):
    accounts = [Account(f"github:{number}", f"u{number}", commits) for number, commits in theirs.items()]
    return compare({ANVIL: accounts}, {(ANVIL, f"github:{number}"): commits for number, commits in ours.items()}, {})


def test_the_same_numbers_agree():
    found = side_by_side({1: 10, 2: 20}, {1: 10, 2: 20, 3: 5})  # GitHub leaves out who is not among the first hundred
    assert found.agrees
    assert found.different == []


def test_the_largest_difference_comes_first():
    found = side_by_side({1: 10, 2: 20, 3: 4}, {1: 12, 2: 15})
    assert [(one.login, one.difference) for one in found.different] == [("u2", -5), ("u3", -4), ("u1", 2)]
    assert found.share_different == pytest.approx(11 / 34)
    assert not found.agrees


def test_a_little_may_differ():
    assert side_by_side({1: 1000}, {1: round(1000 * (1 - TOLERANCE))}).agrees
    assert not side_by_side({1: 1000}, {1: round(1000 * (1 - TOLERANCE)) - 1}).agrees


def test_differences_do_not_make_up_for_each_other():
    assert not side_by_side({1: 10, 2: 10}, {1: 20, 2: 0}).agrees


def test_nothing_compared_is_no_agreement():
    assert not compare({}, {}, {ANVIL: "404"}).agrees
