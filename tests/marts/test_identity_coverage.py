"""How far accounts were asked, as every snapshot tells it."""

from typing import Any

from histories import MadeHome, commit, rows

from git_contrib_assets.serving.contract.contributors import PUBLICATION
from git_contrib_assets.serving.publish import current_file
from git_contrib_assets.storage.warehouse import read_select

PEOPLE = (commit("ann@example.com"), commit("bob@example.com"), commit("Bob@Example.com "))


def coverage(made: MadeHome) -> tuple[Any, ...]:
    """Identity, e-mails and how many of them were not asked, of the snapshot that is published now."""
    values = {"snapshot_id": "x", "definition_version": 1, "contract_version": 1, "fingerprint": "x"}
    with made.building() as connection:
        query = connection.execute(read_select("serving", "snapshot"), {**values, "as_of": made.as_of})
        names = [column[0] for column in query.description]
        row = dict(zip(names, query.fetchall()[0], strict=True))
    return row["identity"], row["emails"], row["emails_not_asked"]


def test_email_where_none_was_asked(made: MadeHome) -> None:
    made.repository(*PEOPLE)
    assert coverage(made) == ("email", 2, 2)


def test_partial_where_some_were_asked(made: MadeHome) -> None:
    made.repository(*PEOPLE)
    made.answer("bob@example.com", None)
    assert coverage(made) == ("partial", 2, 1)


def test_account_where_all_were_asked(made: MadeHome) -> None:
    made.repository(*PEOPLE)
    made.answer("bob@example.com", None)
    made.answer("ann@example.com", 7, "ann")
    assert coverage(made) == ("account", 2, 0)


def test_blank_and_bot_addresses_are_not_counted(made: MadeHome) -> None:
    bots = (commit("1+x[bot]@users.noreply.github.com"), commit("x[bot]@users.noreply.github.com"))
    made.repository(commit("", name="Ann"), commit(" \t", name=""), *bots, *PEOPLE)
    assert coverage(made) == ("email", 2, 2)


def test_an_address_with_an_id_is_asked_like_any(made: MadeHome) -> None:
    made.repository(commit("7+ann@users.noreply.github.com"))
    assert coverage(made) == ("email", 1, 1)


def test_an_address_of_two_repositories_is_counted_once(made: MadeHome) -> None:
    made.repository(*PEOPLE)
    made.repository(*PEOPLE, repository_id=2)
    assert coverage(made) == ("email", 2, 2)


def test_an_answer_makes_a_snapshot_although_no_row_changes(made: MadeHome) -> None:
    made.repository(*PEOPLE)
    first = made.publish()
    made.answer("bob@example.com", None)
    second = made.publish()
    assert (first.about["identity"], second.about["identity"], second.changed) == ("email", "partial", True)
    assert second.about["emails_not_asked"] == 1


def test_the_published_row_says_the_same(made: MadeHome) -> None:
    made.repository(*PEOPLE)
    made.answer("bob@example.com", None)
    made.publish()
    path = current_file(made.home, PUBLICATION)
    with made.warehouse() as connection:
        connection.execute(f"attach '{path}' as published (read_only)")
        (row,) = rows(connection, "select identity, emails, emails_not_asked from published.snapshot")
    assert row == {"identity": "partial", "emails": 2, "emails_not_asked": 1}
