"""When a commit counts: the author date; if it cannot be right, the committer date; if neither can, the creation."""

from datetime import datetime, timedelta

import pytest
from histories import DAY, NOW, SECOND, MadeHome, at, commit

START = at("1980-01-02T00:00:00")
"""The first moment that is plausible: a DOS epoch is not, whatever the zone."""
SENSELESS = ["0001-01-01T00:00:00", "1969-12-31T23:59:59", "1970-01-01T00:00:00", "1980-01-01T00:00:00", START - SECOND]
LATEST = at("9999-12-31T23:59:59")
"""What sources land for numbers too large for a calendar."""


def test_the_author_date_counts_not_the_committer_date(made: MadeHome) -> None:
    made.repository(commit(when="2020-05-31T23:59:59", committed="2020-09-01"))
    assert made.newcomers() == {"2020-05": 1}


def test_the_month_begins_at_midnight_utc(made: MadeHome) -> None:
    made.repository(
        commit("ann@example.com", "2020-05-31T23:59:59"),
        commit("bob@example.com", "2020-06-01T00:00:00"),
    )
    assert made.newcomers() == {"2020-05": 1, "2020-06": 1}


def test_the_first_plausible_author_date_counts(made: MadeHome) -> None:
    made.repository(commit(when=START, committed="2020-05-01"))
    assert made.newcomers() == {"1980-01": 1}


@pytest.mark.parametrize("authored", SENSELESS)
def test_a_senseless_author_date_gives_way_to_the_committer_date(made: MadeHome, authored: str | datetime) -> None:
    made.repository(commit(when=authored, committed="2020-05-01"))
    assert made.newcomers() == {"2020-05": 1}


@pytest.mark.parametrize("committed", SENSELESS)
def test_a_senseless_committer_date_does_not_overrule_the_author_date(
    made: MadeHome, committed: str | datetime
) -> None:
    made.repository(commit(when="2020-07-01", committed=committed))
    assert made.newcomers() == {"2020-07": 1}
    assert len(made.months()) == 15


def test_an_author_date_exactly_a_day_after_the_committer_date_counts(made: MadeHome) -> None:
    made.repository(commit(when=at("2020-05-31T12:00:00") + DAY, committed="2020-05-31T12:00:00"))
    assert made.newcomers() == {"2020-06": 1}


def test_an_author_date_a_second_later_than_that_gives_way(made: MadeHome) -> None:
    made.repository(commit(when=at("2020-05-31T12:00:00") + DAY + SECOND, committed="2020-05-31T12:00:00"))
    assert made.newcomers() == {"2020-05": 1}


@pytest.mark.parametrize(("authored", "committed"), list(zip(SENSELESS, reversed(SENSELESS), strict=True)))
def test_without_a_plausible_date_the_creation_of_the_repository_counts(
    made: MadeHome, authored: str | datetime, committed: str | datetime
) -> None:
    made.repository(commit(when=authored, committed=committed), created="2020-02-03T04:05:06")
    assert made.newcomers() == {"2020-02": 1}
    assert [row["first_commit_at"] for row in made.first_commits()] == [at("2020-02-03T04:05:06")]


@pytest.mark.parametrize("created", [None, *SENSELESS])
def test_without_a_plausible_creation_either_it_is_when_the_repository_was_first_listed(
    made: MadeHome, created: str | datetime | None
) -> None:
    made.repository(commit(when=SENSELESS[0]), created=created, first_seen_at=at("2020-11-12"))
    assert made.newcomers() == {"2020-11": 1}
    assert len(made.months()) == 5


def test_without_any_plausible_date_at_all_it_is_now(made: MadeHome) -> None:
    made.repository(commit(when=SENSELESS[0]), created=SENSELESS[1], first_seen_at=at("1970-01-01"))
    assert made.months() == {"2021-03": 1}


def test_a_commit_without_a_date_of_its_own_ties_like_any(made: MadeHome) -> None:
    created = "2020-02-03T04:05:06"
    undated = [commit(when=SENSELESS[2], sha=letter * 40) for letter in "cad"]
    made.repository(commit(when=created, sha="b" * 40), *undated, created=created)
    assert [row["first_commit_sha"] for row in made.first_commits()] == ["a" * 40]


def test_an_author_date_beyond_all_calendars_gives_way_to_the_committer_date(made: MadeHome) -> None:
    made.repository(commit(when=LATEST, committed="2020-05-01"))
    assert made.newcomers() == {"2020-05": 1}


def test_a_committer_date_beyond_all_calendars_changes_nothing(made: MadeHome) -> None:
    made.repository(commit(when="2020-07-01", committed=LATEST))
    assert made.newcomers() == {"2020-07": 1}


@pytest.mark.parametrize("committed", [LATEST, *SENSELESS])
def test_an_author_date_beyond_all_calendars_is_the_future_if_nothing_speaks_against_it(
    made: MadeHome, committed: str | datetime
) -> None:
    made.repository(commit(when=LATEST, committed=committed))
    assert made.newcomers() == {"2021-03": 1}


def test_the_earliest_time_is_the_first_commit_in_whatever_order_they_come(made: MadeHome) -> None:
    made.repository(
        commit(when="2020-07-01"), commit(when="2020-05-01", sha="a" * 40), commit("Ann@example.com", "2020-06-01")
    )
    (first,) = made.first_commits()
    assert (first["first_commit_at"], first["first_commit_sha"]) == (at("2020-05-01"), "a" * 40)


ANN_AND_GUISES = [("ann@example.com", "Ann"), ("ann@example.com", "Zoe"), ("ANN@example.com", "Ann")]


@pytest.mark.parametrize(("address", "name"), ANN_AND_GUISES)
def test_a_tie_goes_to_the_smallest_sha(made: MadeHome, address: str, name: str) -> None:
    made.repository(commit(sha="b" * 40), commit(address, sha="a" * 40, name=name), commit(sha="c" * 40))
    assert [row["first_commit_sha"] for row in made.first_commits()] == ["a" * 40]


@pytest.mark.parametrize(("address", "name"), ANN_AND_GUISES)
def test_the_smallest_sha_does_not_beat_an_earlier_time(made: MadeHome, address: str, name: str) -> None:
    made.repository(
        commit(when="2020-05-10T12:00:01", sha="a" * 40),
        commit(address, when="2020-05-10T12:00:00", sha="b" * 40, name=name),
    )
    assert [row["first_commit_sha"] for row in made.first_commits()] == ["b" * 40]


def test_a_date_in_the_future_counts_in_the_current_month(made: MadeHome) -> None:
    future = NOW + timedelta(days=400)
    made.repository(commit(when=future), commit("bob@example.com", NOW + SECOND))
    assert made.newcomers() == {"2021-03": 2}
    assert {row["first_commit_at"] for row in made.first_commits()} == {future, NOW + SECOND}  # published as it is


def test_a_date_in_the_future_moves_on_with_the_months(made: MadeHome) -> None:
    made.repository(commit(when="2021-04-20"))
    assert made.newcomers() == {"2021-03": 1}
    made.as_of = at("2021-04-01T00:00:00")
    made.build()
    assert made.newcomers() == {"2021-04": 1}
    made.as_of = at("2021-06-01T00:00:00")
    made.build()
    assert made.newcomers() == {"2021-04": 1}


def test_a_past_commit_of_the_same_person_beats_one_in_the_future(made: MadeHome) -> None:
    made.repository(commit(when=NOW + 40 * DAY), commit(when="2020-05-10"))
    assert made.newcomers() == {"2020-05": 1}


def test_a_late_merge_changes_earlier_months(made: MadeHome) -> None:
    old = [commit("ann@example.com", "2020-06-10")]
    made.repository(*old)
    assert made.newcomers() == {"2020-06": 1}
    made.land(1, [commit("ann@example.com", "2020-05-10"), commit("bob@example.com", "2020-05-11"), *old])
    assert made.newcomers() == {"2020-05": 2}


def test_rewritten_history_counts_as_if_the_old_had_never_been(made: MadeHome) -> None:
    made.repository(commit("ann@example.com"), commit("bob@example.com"))
    made.land(1, [commit("carol@example.com", "2020-08-01")])
    assert made.newcomers() == {"2020-08": 1}
