"""A repository that was seen private is in no table, and nothing known from it alone is; its landed file stays."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from histories import NOW, MadeHome, commit, rows

from git_contrib_assets.marts import checks
from git_contrib_assets.serving.contract.contributors import PUBLICATION
from git_contrib_assets.serving.publish import current_file

SEEN_PRIVATE = [
    {"is_private": True},
    {"missing_since": NOW, "missing_reason": "private"},
]
PUBLIC = {"is_private": False, "missing_since": None, "missing_reason": None}


def anvil(made: MadeHome) -> None:
    """A public repository: Ann's second commit, and Bob's first."""
    made.repository(commit("ann@example.com", "2020-07-01", sha="a1"), commit("bob@example.com", sha="a0"))


def vault(made: MadeHome, **seen: Any) -> None:
    """A repository of another owner: Ann's first commit, one that marks Bob as a bot, and Mallory."""
    made.repository(
        commit("ann@example.com", "2020-02-01", sha="b2"),
        commit("bob@example.com", "2020-03-01", name="hoarder[bot]", sha="b1"),
        commit("mallory@example.com", "2020-04-01", name="Mallory Hush", sha="b0"),
        repository_id=2,
        name="hoard/vault",
        owner_id=2,
        **seen,
    )


def content(made: MadeHome) -> str:
    """The hash over all that would be published."""
    return str(made.publish().about["fingerprint"])


@pytest.mark.parametrize("seen", SEEN_PRIVATE)
def test_the_tables_are_as_if_it_had_never_been(made: MadeHome, tmp_path: Path, seen: dict[str, Any]) -> None:
    anvil(made)
    vault(made, **seen)
    without = MadeHome(tmp_path / "without")
    shutil.copyfile(made.landing.folder / "key", without.landing.folder / "key")
    anvil(without)
    assert content(made) == content(without)
    firsts = {row["login"] or row["first_commit_sha"]: row for row in made.first_commits()}
    assert set(firsts) == {"a0", "a1"}
    assert not any(row["is_bot"] for row in made.contributors())
    assert [row["repositories"] for row in made.contributors()] == [1, 1]


@pytest.mark.parametrize("seen", SEEN_PRIVATE)
def test_no_published_row_is_of_it(made: MadeHome, seen: dict[str, Any]) -> None:
    anvil(made)
    vault(made, **seen)
    made.publish()
    path = current_file(made.home, PUBLICATION)
    assert path
    with made.warehouse() as connection:
        connection.execute(f"attach '{path}' as published (read_only)")
        everything = str([rows(connection, f"from published.{table.name}") for table in PUBLICATION.all_tables])
    assert "acme" in everything
    for word in ("vault", "hoard", "Mallory"):
        assert word not in everything
        assert word.encode() not in path.read_bytes()


def test_once_public_again_it_is_back_whole(made: MadeHome) -> None:
    anvil(made)
    vault(made)
    before = content(made)
    landed = made.landing.commits.file(2).read_bytes()
    for seen in SEEN_PRIVATE:
        vault_as_seen(made, **PUBLIC | seen)
        assert content(made) != before
        assert made.landing.commits.file(2).read_bytes() == landed
    vault_as_seen(made, **PUBLIC)
    assert content(made) == before


def vault_as_seen(made: MadeHome, **seen: Any) -> None:
    """The next listing tells this of the repository; nothing is read of it."""
    listed = made.listed[2]
    made.repository(repository_id=2, name=listed.repository, owner_id=listed.owner_id, never_read=True, **seen)


@pytest.mark.parametrize("seen", SEEN_PRIVATE)
def test_its_old_months_are_not_told_as_changed(made: MadeHome, seen: dict[str, Any]) -> None:
    """What a check shows is kept in Dagster's history: a private repository has no business there."""
    anvil(made)
    vault(made)
    made.publish()
    vault_as_seen(made, **seen)
    with made.building() as connection:
        assert checks.drift(connection, made.home.published).rows == ()


def test_every_other_way_of_being_gone_keeps_it(made: MadeHome) -> None:
    vault(made, missing_since=NOW, missing_reason="not_found")
    assert made.newcomers(2) == {"2020-02": 1, "2020-03": 1, "2020-04": 1}
    vault_as_seen(made, missing_since=NOW, missing_reason=None)
    assert made.newcomers(2) == {"2020-02": 1, "2020-03": 1, "2020-04": 1}
