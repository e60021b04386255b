"""Which months a repository has, and what stands in them."""

import pytest
from histories import MadeHome, at, commit

from git_contrib_assets.records import AttemptState


def test_there_is_a_row_for_every_month_zeros_included(made: MadeHome) -> None:
    made.repository(commit(when="2020-12-05"), created="2020-11-30T23:59:59")
    assert made.months() == {"2020-11": 0, "2020-12": 1, "2021-01": 0, "2021-02": 0, "2021-03": 0}


def test_the_months_begin_with_the_first_commit_where_that_is_earlier(made: MadeHome) -> None:
    made.repository(commit(when="2020-12-05"), created="2021-02-01")
    assert made.months() == {"2020-12": 1, "2021-01": 0, "2021-02": 0, "2021-03": 0}


def test_the_first_commit_of_anybody_begins_the_months(made: MadeHome) -> None:
    made.repository(commit(when="2021-03-01"), commit("bob@example.com", "2021-02-01"), created="2021-03-05")
    assert made.months() == {"2021-02": 1, "2021-03": 1}


def test_the_months_end_with_the_current_one(made: MadeHome) -> None:
    made.as_of = at("2021-02-28T23:59:59")
    made.repository(commit(when="2021-02-01"), created="2021-02-01")
    assert made.months() == {"2021-02": 1}
    made.as_of = at("2021-03-01T00:00:00")
    made.build()
    assert made.months() == {"2021-02": 1, "2021-03": 0}


def test_the_running_total_never_stops(made: MadeHome) -> None:
    made.repository(
        commit(when="2020-12-05"), commit("bob@example.com", "2021-02-05"), commit("carol@example.com", "2021-02-06")
    )
    totals = made.totals()
    assert [totals[month] for month in ("2020-11", "2020-12", "2021-01", "2021-02", "2021-03")] == [0, 1, 1, 3, 3]


def test_a_repository_without_commits_has_its_rows_all_zero(made: MadeHome) -> None:
    made.repository(created="2021-01-31")
    assert made.months() == {"2021-01": 0, "2021-02": 0, "2021-03": 0}
    (row,) = made.repositories()
    assert (row["state"], row["commits"], row["contributors"], row["tip"]) == ("empty", 0, 0, None)


def test_a_repository_that_never_could_be_read_has_none(made: MadeHome) -> None:
    made.repository(never_read=True)
    made.attempt(AttemptState.FAILED, reason="unavailable")
    assert made.months() == {}
    (row,) = made.repositories()
    assert (row["state"], row["state_reason"], row["collected_at"]) == ("failed", "unavailable", None)


def test_a_repository_of_unknown_age_without_commits_has_the_current_month(made: MadeHome) -> None:
    made.repository(created=None)
    assert made.months() == {"2021-03": 0}


@pytest.mark.parametrize("created", ["0001-01-01", "1970-01-01", "1980-01-01T23:59:59"])
def test_a_repository_of_senseless_age_is_one_of_unknown_age(made: MadeHome, created: str) -> None:
    made.repository(commit(when="2020-12-05"), created=created)
    made.repository(created=created, repository_id=2)
    assert made.months(1) == {"2020-12": 1, "2021-01": 0, "2021-02": 0, "2021-03": 0}
    assert made.months(2) == {"2021-03": 0}
    assert [row["created_at"] for row in made.repositories()] == [None, None]


def test_a_repository_created_in_the_future_has_the_current_month(made: MadeHome) -> None:
    made.repository(created="2021-05-01")
    assert made.months() == {"2021-03": 0}


@pytest.mark.parametrize("state", [AttemptState.FAILED, AttemptState.EMPTIED])
def test_a_repository_that_failed_or_was_emptied_keeps_its_last_good_data(made: MadeHome, state: AttemptState) -> None:
    made.repository(commit(when="2020-12-05"), created="2020-12-01")
    made.attempt(state, reason="blocked")
    assert made.months() == {"2020-12": 1, "2021-01": 0, "2021-02": 0, "2021-03": 0}


def test_a_vanished_repository_has_rows_up_to_the_month_it_was_last_listed_in(made: MadeHome) -> None:
    made.repository(commit(when="2020-12-05"), created="2020-12-01", missing_since=at("2021-02-01T00:00:00"))
    assert made.months() == {"2020-12": 1, "2021-01": 0, "2021-02": 0}


@pytest.mark.parametrize("missing_since", ["1970-01-01", "1980-01-01", "2031-01-01"])
def test_a_repository_that_vanished_at_a_senseless_time_has_its_months_up_to_now(
    made: MadeHome, missing_since: str
) -> None:
    made.repository(commit(when="2020-12-05"), created="2020-12-01", missing_since=at(missing_since))
    assert made.months() == {"2020-12": 1, "2021-01": 0, "2021-02": 0, "2021-03": 0}


def test_a_vanished_repository_with_a_future_date_still_adds_up(made: MadeHome) -> None:
    made.repository(
        commit(when="2020-12-05"),
        commit("bob@example.com", "2030-01-01"),
        commit("carol@example.com", "2021-03-01"),
        created="2020-12-01",
        missing_since=at("2021-01-20T00:00:00"),
    )
    assert made.months() == {"2020-12": 1, "2021-01": 2}
    assert len(made.first_commits()) == 3


def test_a_repository_that_vanished_before_its_creation_date_still_has_a_row(made: MadeHome) -> None:
    made.repository(created="2021-03-01", missing_since=at("2021-02-20T00:00:00"))
    assert made.months() == {"2021-02": 0}


def test_a_repository_that_vanished_before_it_was_read_has_none(made: MadeHome) -> None:
    made.repository(never_read=True, missing_since=at("2021-02-20T00:00:00"), missing_reason="not_found")
    assert made.months() == {}
    assert [row["state"] for row in made.repositories()] == ["vanished"]


def test_the_sum_over_months_is_the_number_of_contributors(made: MadeHome) -> None:
    people = [commit(f"p{n}@example.com", f"2020-{n % 12 + 1:02}-03", committed="2020-12-30") for n in range(30)]
    made.repository(*people)
    assert sum(made.months().values()) == 30
    assert [row["contributors"] for row in made.repositories()] == [30]


def test_a_fork_is_counted_and_flagged(made: MadeHome) -> None:
    made.repository(commit(), is_fork=True)
    made.repository(commit(), repository_id=2)
    assert made.newcomers(1) == made.newcomers(2) == {"2020-05": 1}
    months = made.table("monthly_new_contributors")
    assert {(row["repository_id"], row["is_fork"]) for row in months} == {(1, True), (2, False)}
    assert [(row["repository_id"], row["is_fork"]) for row in made.repositories()] == [(1, True), (2, False)]


def test_two_repositories_of_one_name_keep_their_own_months(made: MadeHome) -> None:
    made.repository(commit(when="2020-05-01"), repository_id=1, name="acme/anvil", missing_since=at("2020-12-01"))
    made.repository(commit("bob@example.com", "2021-02-01"), repository_id=2, name="acme/anvil", created="2021-01-05")
    assert made.newcomers(1) == {"2020-05": 1}
    assert made.newcomers(2) == {"2021-02": 1}
    assert (max(made.months(1)), min(made.months(2))) == ("2020-12", "2021-01")


def test_an_attempt_of_a_clock_that_was_ahead_does_not_count_for_ever(made: MadeHome) -> None:
    """Attempts count in the order in which they ended, whenever they say that they began."""
    made.repository(commit())
    made.attempt(AttemptState.FAILED, reason="unavailable", started="2036-01-01")
    made.attempt(AttemptState.LANDED, started="2021-03-14")
    assert made.repositories()[0]["state"] == "complete"
    made.attempt(AttemptState.FAILED, reason="unavailable", started="2021-03-15")
    made.build()
    assert (made.repositories()[0]["state"], str(made.repositories()[0]["state_since"])[:10]) == (
        "failed",
        "2021-03-15",
    )
