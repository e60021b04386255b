"""The names, owners and visibilities that repositories had, and which of two lists tells what a repository is now."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from git_contrib_assets.landing.catalogue import names_since, present, seen_private
from git_contrib_assets.records import Repository, RepositoryName

FIRST = datetime.fromisoformat("2024-03-01T12:00:00")
DAY = timedelta(days=1)


def listed(name: str = "acme/tools", *, day: int = 0, visibility: str = "public", owner_id: int = 9) -> Repository:
    """One repository as it is listed on a day."""
    owner, _, short = name.partition("/")
    return Repository(
        repository_id=1,
        repository=name,
        owner_id=owner_id,
        owner=owner,
        owner_type="Organization",
        name=short,
        is_private=visibility != "public",
        is_fork=False,
        is_archived=False,
        default_branch="main",
        created_at=FIRST,
        pushed_at=FIRST,
        stars=1,
        language=None,
        target=owner,
        first_seen_at=FIRST,
        listed_at=FIRST + day * DAY,
        visibility=visibility,
    )


def history(*listings: Repository) -> list[tuple[str, str, int, int | None]]:
    """Name, visibility, first and last day after these listings, one after the other; days since the first."""
    names: list[RepositoryName] = []
    before: dict[int, Repository] = {}
    for one in listings:
        now = {one.repository_id: one}
        names, before = names_since(names, before, now), now
    return [
        (
            one.repository,
            one.visibility,
            (one.first_day - FIRST.date()).days,
            (one.last_day - FIRST.date()).days if one.last_day else None,
        )
        for one in names
    ]


def test_what_does_not_change_has_one_row() -> None:
    assert history(listed(), listed(day=1), listed(day=5)) == [("acme/tools", "public", 0, None)]


@pytest.mark.parametrize(
    ("now", "name", "visibility"),
    [
        (listed("acme/kit", day=4), "acme/kit", "public"),
        (listed("forge/tools", day=4, owner_id=10), "forge/tools", "public"),
        (listed(day=4, visibility="private"), "acme/tools", "private"),
        (listed(day=4, visibility="internal"), "acme/tools", "internal"),
    ],
    ids=["rename", "transfer", "private", "internal"],
)
def test_a_change_ends_what_was_on_the_day_it_was_last_listed(now: Repository, name: str, visibility: str) -> None:
    found = history(listed(), listed(day=2), now)
    assert found == [("acme/tools", "public", 0, 2), (name, visibility, 4, None)]


def test_what_comes_back_has_a_row_of_its_own() -> None:
    found = history(listed(), listed("acme/kit", day=1), listed(day=2))
    assert found == [("acme/tools", "public", 0, 0), ("acme/kit", "public", 1, 1), ("acme/tools", "public", 2, None)]


def test_what_comes_back_on_the_same_day_is_one_row() -> None:
    """The key of a row is its repository, its first day, its name and its visibility."""
    found = history(listed(), listed("acme/kit"), listed())
    assert sorted(found) == [("acme/kit", "public", 0, 0), ("acme/tools", "public", 0, None)]


def test_one_that_is_no_longer_known_keeps_its_names() -> None:
    one = listed()
    names = names_since([], {}, {1: one})
    assert names_since(names, {1: one}, {}) == names


@pytest.mark.parametrize(
    ("public", "private", "wins"),
    [
        (listed(day=3), listed(visibility="private"), "public"),
        (seen_private(listed()), listed(day=3, visibility="private"), "private"),
        (replace(listed(), missing_since=FIRST, missing_reason="not_found"), listed(visibility="private"), "private"),
    ],
    ids=["public again", "turned private", "gone from the public list"],
)
def test_of_two_lists_the_public_one_counts_only_if_it_was_last_seen_so(
    public: Repository, private: Repository, wins: str
) -> None:
    assert present([public], [private])[1].visibility == wins


def test_one_that_turned_private_unseen_is_private() -> None:
    """A token that may not list it only sees that it is gone from public."""
    one = listed()
    names = names_since(names_since([], {}, {1: one}), {1: one}, {1: seen_private(one)})
    assert [(name.visibility, name.last_day) for name in names] == [("public", FIRST.date()), ("private", None)]
