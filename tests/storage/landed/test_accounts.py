"""Landed account answers."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from git_contrib_assets.errors import LandingFileCorrupt
from git_contrib_assets.records import AccountAnswer
from git_contrib_assets.storage.home import Home
from git_contrib_assets.storage.landing_zone import LandingZone

NOON = datetime.fromisoformat("2023-11-14T12:00:00")


def again(landing):
    """The landing zone as the next run finds it."""
    landing.prepare()
    return landing


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def answer(email, account_id=None, *, days=0, login=None):
    return AccountAnswer(email, account_id, login, NOON + timedelta(days=days), "graphql")


def known(landing):
    return {row["email"]: row["account_id"] for row in landing.accounts.answers().to_pylist()}


said = st.lists(
    st.tuples(st.sampled_from(["a@x", "b@x", "c@x"]), st.none() | st.integers(1, 9), st.integers(0, 99)), max_size=12
)


def test_the_answer_about_an_address_that_landed_last_wins(landing):
    """Whenever a clock says that it was asked, and "nobody" is an answer."""
    landing.accounts.add([answer("ann@x", 1, days=5), answer("bob@x", 2, days=1), answer("cleo@x", None)])
    landing.accounts.add([answer("ann@x", 9, days=3), answer("bob@x", None, days=2), answer("cleo@x", 3, days=1)])
    assert known(landing) == {"ann@x": 9, "bob@x": None, "cleo@x": 3}
    assert known(again(landing)) == known(landing)


def test_of_two_answers_of_one_moment_the_later_one_wins(landing):
    landing.accounts.add([answer("ann@x", 1)])
    landing.accounts.add([answer("ann@x", 2), answer("ann@x", 3)])
    assert known(landing) == {"ann@x": 3}


def test_no_answers_are_no_file(landing):
    before = names(landing.accounts.folder)
    landing.accounts.add([])
    assert names(landing.accounts.folder) == before


def test_many_files_become_one_with_the_same_answers(landing):
    for day in range(6):
        landing.accounts.add([answer(f"p{number}@x", 10 * day + number, days=day) for number in range(day, 8)])
    before = sorted(landing.accounts.answers().to_pylist(), key=str)
    again(landing)
    assert len(names(landing.accounts.folder)) == 1
    assert sorted(landing.accounts.answers().to_pylist(), key=str) == before


def test_a_kill_between_writing_and_removing_changes_no_answer(landing):
    """The new file is there beside all old ones, or beside some of them."""
    for day in range(4):
        landing.accounts.add([answer("ann@x", day, days=day), answer(f"p{day}@x", None)])
    old = {path.name: path.read_bytes() for path in landing.accounts.folder.iterdir()}
    before = known(landing)
    again(landing)
    for kept in ([*old], [*old][2:], [*old][:1]):
        for name in kept:
            (landing.accounts.folder / name).write_bytes(old[name])
        assert known(landing) == before
        again(landing)
        assert len(names(landing.accounts.folder)) == 1
        assert known(landing) == before


def test_a_damaged_file_of_answers_is_set_aside_and_the_others_stay(landing):
    landing.accounts.add([answer("ann@x", 1)])
    landing.accounts.add([answer("bob@x", 2)])
    (landing.accounts.folder / "00000000000000000007.parquet").write_bytes(b"garbage")
    with pytest.raises(LandingFileCorrupt):
        landing.accounts.answers()
    assert known(landing) == {"ann@x": 1, "bob@x": 2}
    (landing.accounts.folder / "00000000000000000007.parquet").write_bytes(b"garbage")
    assert known(again(landing)) == {"ann@x": 1, "bob@x": 2}
    assert (landing.folder / "set_aside" / "00000000000000000007.parquet").exists()


@settings(max_examples=15, deadline=None)
@given(st.lists(said, max_size=4))
def test_answers_are_what_a_dictionary_would_hold(tmp_path_factory, files):
    """However they are spread over files, before and after they are put together."""
    home = Home(tmp_path_factory.mktemp("home"))
    home.prepare()
    landing = again(LandingZone(home))
    expected = {}
    for file in files:
        landing.accounts.add([answer(email, account_id, days=day) for email, account_id, day in file])
        expected |= {email: account_id for email, account_id, _ in file}
    assert known(landing) == expected
    assert known(again(landing)) == expected
