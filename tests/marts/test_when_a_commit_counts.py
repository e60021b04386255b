"""When a commit counts: the author date, and where it cannot be right the committer's."""

from datetime import timedelta

import pytest
from histories import DAY, NOW, SECOND, MadeHome, at, commit

START = at("1980-01-01T00:00:00")


def test_the_author_date_counts_not_the_committer_date(made: MadeHome) -> None:
    made.repository(commit(when="2020-05-31T23:59:59", committed="2020-09-01"))
    assert made.newcomers() == {"2020-05": 1}


def test_the_month_begins_at_midnight_utc(made: MadeHome) -> None:
    made.repository(
        commit("ann@example.com", "2020-05-31T23:59:59"),
        commit("bob@example.com", "2020-06-01T00:00:00"),
    )
    assert made.newcomers() == {"2020-05": 1, "2020-06": 1}


def test_an_author_date_at_the_start_of_1980_counts(made: MadeHome) -> None:
    made.repository(commit(when=START, committed="2020-05-01"))
    assert made.newcomers() == {"1980-01": 1}


def test_an_author_date_before_1980_gives_way_to_the_committer_date(made: MadeHome) -> None:
    made.repository(commit(when=START - SECOND, committed="2020-05-01"))
    assert made.newcomers() == {"2020-05": 1}


def test_an_author_date_exactly_a_day_after_the_committer_date_counts(made: MadeHome) -> None:
    made.repository(commit(when=at("2020-05-31T12:00:00") + DAY, committed="2020-05-31T12:00:00"))
    assert made.newcomers() == {"2020-06": 1}


def test_an_author_date_a_second_later_than_that_gives_way(made: MadeHome) -> None:
    made.repository(commit(when=at("2020-05-31T12:00:00") + DAY + SECOND, committed="2020-05-31T12:00:00"))
    assert made.newcomers() == {"2020-05": 1}


def test_where_both_dates_are_odd_the_committer_date_counts(made: MadeHome) -> None:
    made.repository(commit(when=START - SECOND, committed="1979-02-03"))
    assert made.newcomers() == {"1979-02": 1}


def test_the_earliest_date_there_is(made: MadeHome) -> None:
    made.repository(commit(when="0001-01-01", committed="0001-01-01"))
    assert made.newcomers() == {"0001-01": 1}
    assert len(made.months()) == 12 * (NOW.year - 1) + NOW.month


def test_the_latest_date_there_is(made: MadeHome) -> None:
    made.repository(commit(when="9999-12-31T23:59:59", committed="9999-12-31T23:59:59"))
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
