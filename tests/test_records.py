"""What travels between the layers: which targets and names are accepted, and when an attempt failed."""

import pytest
from histories import NOW

from git_contrib_assets.errors import UsageError
from git_contrib_assets.records import Attempt, AttemptState, Target, is_repository_name


@pytest.mark.parametrize(
    "text", ["facebook", "react/react", "@me", "a-b_c", "acme/.github", "acme/-x", "a/" + "x" * 100]
)
def test_targets(text):
    assert str(Target.parse(text)) == text


@pytest.mark.parametrize(
    "text",
    ["", "/", "a/", "/a", "a/b/c", "a b", "a/b c",
      "-a", "a/..", "a/.", 'a"b', "a\n", "a/b\n", "@you", "ä", "a/ü", "https://x/a", "a" * 101, "a/" + "x" * 101],
    ids=repr,
)  # fmt: skip
def test_what_is_no_target(text):
    with pytest.raises(UsageError):
        Target.parse(text)


def test_a_repository_name_has_two_parts():
    assert is_repository_name("acme/anvil")
    assert not is_repository_name("acme")
    assert not is_repository_name("acme/anvil\n")


def test_the_signed_in_user_is_an_owner_without_a_name():
    """``@me`` is no login that could be asked for."""
    assert Target.parse("@me") == Target("@me")
    assert Target.parse("acme/anvil") == Target("acme", "anvil")


@pytest.mark.parametrize("state", AttemptState)
def test_only_a_failed_attempt_failed(state):
    """An empty repository, or one whose turn never came, is no failure."""
    attempt = Attempt("run", 1, "acme/anvil", state, NOW, 0.0, "git", None, 0, 0)
    assert attempt.failed == (state == "failed")
