"""Who sees what."""

from pathlib import Path

import pytest

from github_stand_in.world import Account, Repository, TokenHolder


def repository(**fields: object) -> Repository:
    return Repository(1, Account("Acme", 2, "Organization"), "tools", Path("tools.git"), dict(fields))


def test_a_token_says_its_login_scopes_and_organisations() -> None:
    """And never shows itself."""
    holder = TokenHolder.parse("secret=ann:repo,user:acme,other")
    assert (holder.login, holder.scopes, holder.organisations) == ("ann", ("repo", "user"), ("acme", "other"))
    assert "secret" not in repr(holder)


def test_tokens_without_a_login_belong_to_different_people() -> None:
    """So that they have limits of their own."""
    assert TokenHolder.parse("one", 0).login != TokenHolder.parse("two", 1).login


@pytest.mark.parametrize(
    ("token", "seen"),
    [("t=ann:repo:acme", True), ("t=acme:repo", True), ("t=ann:repo", False), ("t=ann::acme", False), (None, False)],
)
def test_a_private_repository_needs_the_scope_and_a_share_in_its_owner(token: str | None, seen: bool) -> None:
    """Either alone is not enough."""
    holder = TokenHolder.parse(token) if token else None
    assert repository(private=True).visible_to(holder) is seen
    assert repository().visible_to(holder)


@pytest.mark.parametrize(
    ("fields", "visibility"),
    [
        ({}, "public"),
        ({"private": True}, "private"),
        ({"private": True, "visibility": "public"}, "private"),
        ({"private": False, "visibility": "private"}, "public"),
        ({"private": True, "visibility": "internal"}, "internal"),
    ],
)
def test_visibility_agrees_with_private(fields: dict[str, object], visibility: str) -> None:
    """A change of one field is a change of both."""
    assert repository(**fields).visibility == visibility
