"""Whose token it is, and what it may do."""

from datetime import UTC, datetime

import pytest
from github_answers import answer
from github_scene import API, GitHubScene

from git_contrib_assets.errors import GitHubUnavailable, NotAllowed, TokenRefused
from git_contrib_assets.sources.github.user import PUBLIC_SCOPES, SCOPES, User, lacking, whose

ANN = {"login": "ann", "id": 11, "type": "User"}


@pytest.mark.parametrize(
    ("header", "scopes"),
    [
        ({"x-oauth-scopes": "repo, read:org"}, ("repo", "read:org")),
        ({"x-oauth-scopes": ""}, ()),
        ({}, None),
    ],
)
async def test_who_and_with_which_scopes(httpx_mock, header, scopes):
    httpx_mock.add_response(url=f"{API}/user", json=ANN, headers=header)
    assert await whose(GitHubScene().client) == User(11, "ann", scopes, None)


@pytest.mark.parametrize("token", ["github_pat_11ABC", "ghu_abc", "ghs_abc"])
async def test_tokens_with_permissions_have_no_scopes_to_tell(httpx_mock, token):
    """GitHub's header is empty then: that is not the same as no right at all."""
    httpx_mock.add_response(json=ANN, headers={"x-oauth-scopes": ""})
    assert (await whose(GitHubScene(token=token).client)).scopes is None


@pytest.mark.parametrize(
    ("told", "moment"),
    [
        ("2026-12-24 18:00:00 UTC", datetime(2026, 12, 24, 18, tzinfo=UTC)),
        ("2026-12-24 18:00:00 -0800", datetime(2026, 12, 25, 2, tzinfo=UTC)),
        ("at Christmas", None),
    ],
)
async def test_when_a_token_expires(httpx_mock, told, moment):
    """GitHub writes it in two ways (google/go-github knows both)."""
    httpx_mock.add_response(json=ANN, headers={"github-authentication-token-expiration": told})
    assert (await whose(GitHubScene().client)).expires_at == moment


@pytest.mark.parametrize(
    ("status", "name", "error"),
    [
        (401, "bad_credentials", TokenRefused),
        (403, "not_accessible_by_integration", NotAllowed),
        (404, "not_found", GitHubUnavailable),
    ],
)
async def test_a_token_of_nobody(httpx_mock, status, name, error):
    httpx_mock.add_response(status_code=status, json=answer(name))
    with pytest.raises(error) as caught:
        await whose(GitHubScene().client)
    assert type(caught.value) is error


@pytest.mark.parametrize(
    "body",
    [
        *([], {}, "ann", None, {"login": "ann"}),
        *({**ANN, "id": number} for number in ("11", True, 0, None)),
        *({**ANN, "login": login} for login in ("", "a\nb", None, 7)),
    ],
)
async def test_a_user_that_makes_no_sense(httpx_mock, body):
    httpx_mock.add_response(json=body)
    with pytest.raises(GitHubUnavailable, match="makes no sense"):
        await whose(GitHubScene().client)


@pytest.mark.parametrize(
    ("granted", "names"),
    [
        (["repo", "read:org", "user:email"], []),
        (["repo", "admin:org", "user"], []),
        (["write:org"], ["repo", "user:email"]),
        (["public_repo"], ["repo", "read:org", "user:email"]),
        ([], ["repo", "read:org", "user:email"]),
        (None, []),
    ],
)
def test_what_was_not_granted(granted, names):
    """A scope that includes another one is enough; where GitHub tells nothing, nothing is said to be missing."""
    assert [scope.name for scope in lacking(granted)] == names


def test_what_is_asked_for_has_a_reason():
    assert [scope.name for scope in PUBLIC_SCOPES] == ["read:org", "user:email"]
    assert all(scope.reason and scope.without for scope in SCOPES)
