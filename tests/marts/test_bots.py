"""Which contributors are bots: they count, and are counted apart."""

import pytest
from histories import MadeHome, commit


def test_a_bot_address_is_a_bot(made: MadeHome) -> None:
    made.repository(commit("1+renewer[bot]@users.noreply.github.com"), commit())
    assert made.newcomers() == {"2020-05": 2}
    assert made.bots() == {"2020-05": 1}


@pytest.mark.parametrize("name", ["renewer[bot]", "Renewer[BOT] ", "[bot]"])
def test_a_name_that_ends_in_bot_is_a_bot(made: MadeHome, name: str) -> None:
    made.repository(commit(name=name))
    assert made.bots() == {"2020-05": 1}


@pytest.mark.parametrize("name", ["Robot", "bot", "[bot] Ann", "Ann (bot)", "renovate the house", "Claude Monet"])
def test_other_names_are_people(made: MadeHome, name: str) -> None:
    made.repository(commit(name=name))
    assert made.bots() == {}


@pytest.mark.parametrize("login", ["renewer[bot]", "Renewer[Bot]"])
def test_a_login_that_ends_in_bot_is_a_bot(made: MadeHome, login: str) -> None:
    made.repository(commit())
    made.answer("ann@example.com", 7, login)
    assert made.bots() == {"2020-05": 1}


@pytest.mark.parametrize(
    "name", ["renovate", " Renovate\t", "Renovate-12", "CircleCI 7", "github actions_3", "imgbot2"]
)
def test_a_name_of_the_list_is_a_bot_with_or_without_a_number(made: MadeHome, name: str) -> None:
    made.repository(commit(name=name))
    assert made.bots() == {"2020-05": 1}


@pytest.mark.parametrize("login", ["dependabot-preview", "K8s-CI-Robot", "pyup-bot-3", "pull"])
def test_a_login_of_the_list_is_a_bot_with_or_without_a_number(made: MadeHome, login: str) -> None:
    made.repository(commit())
    made.answer("ann@example.com", 7, login)
    assert made.bots() == {"2020-05": 1}


def test_the_login_in_an_address_with_an_id_is_looked_up_in_the_list(made: MadeHome) -> None:
    made.repository(commit("7+facebook-github-bot@users.noreply.github.com"))
    assert made.bots() == {"2020-05": 1}


def test_a_login_of_the_list_is_no_name_of_it(made: MadeHome) -> None:
    made.repository(commit(name="pull"))
    assert made.bots() == {}


def test_only_one_number_at_the_end_is_left_out(made: MadeHome) -> None:
    made.repository(commit(name="renovate-1-2"), commit("bob@example.com", name="3 renovate"))
    assert made.bots() == {}


def test_one_matching_commit_is_enough(made: MadeHome) -> None:
    people = [commit(when=f"2020-05-{day:02}", name="Ann") for day in range(1, 20)]
    made.repository(*people, commit(when="2020-06-01", name="renewer[bot]"))
    assert made.newcomers() == made.bots() == {"2020-05": 1}


def test_one_matching_commit_in_another_repository_is_enough(made: MadeHome) -> None:
    made.repository(commit(name="Ann"), repository_id=1)
    made.repository(commit(when="2020-09-01", name="renewer[bot]"), repository_id=2)
    assert made.bots(1) == {"2020-05": 1}
    assert made.bots(2) == {"2020-09": 1}


def test_one_matching_commit_under_a_linked_address_is_enough(made: MadeHome) -> None:
    made.repository(commit("ann@work.example"), repository_id=1)
    made.repository(commit("ann@home.example", name="renewer[bot]"), repository_id=2)
    assert made.bots(1) == {}
    made.answer("ann@work.example", 7, "ann")
    made.answer("ann@home.example", 7, "ann")
    assert made.bots(1) == {"2020-05": 1}


def test_bots_are_among_the_newcomers(made: MadeHome) -> None:
    made.repository(
        commit("1+renewer[bot]@users.noreply.github.com"),
        commit("bob@example.com", name="circleci"),
        commit("ann@example.com"),
    )
    assert (made.newcomers(), made.bots()) == ({"2020-05": 3}, {"2020-05": 2})
    assert [(row["contributors"], row["bots"]) for row in made.repositories()] == [(3, 2)]
    assert sum(row["is_bot"] for row in made.first_commits()) == 2


def test_every_entry_of_the_list_can_be_met(made: MadeHome) -> None:
    made.repository(commit())
    never = (
        "select value from typed.known_bots where value <> typed.normalised(value) or regexp_matches(value, '[-_ ]?[0-9]+$')"
        " or value = '' or kind not in ('login', 'name')"
    )
    assert made.query(never) == []
