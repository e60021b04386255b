"""Which contributors are bots: they count, and are counted apart."""

import pytest
from histories import Commit, MadeHome, commit


def test_a_bot_address_is_a_bot(made: MadeHome) -> None:
    made.repository(commit("1+renewer[bot]@users.noreply.github.com"), commit())
    assert made.newcomers() == {"2020-05": 2}
    assert made.bots() == {"2020-05": 1}


@pytest.mark.parametrize("name", ["renewer[bot]", "Renewer[BOT] ", "[bot]"])
def test_a_name_that_ends_in_bot_is_a_bot(made: MadeHome, name: str) -> None:
    made.repository(commit(name=name))
    assert made.bots() == {"2020-05": 1}


@pytest.mark.parametrize(
    "name", ["Robot", "bot", "[bot] Ann", "Ann (bot)", "renovate the house", "Claude Monet", "claude75", "pull"]
)
def test_other_names_are_people(made: MadeHome, name: str) -> None:
    made.repository(commit(name=name))
    assert made.bots() == {}


@pytest.mark.parametrize("login", ["renewer[bot]", "Renewer[Bot]"])
def test_a_login_that_ends_in_bot_is_a_bot(made: MadeHome, login: str) -> None:
    made.repository(commit())
    made.answer("ann@example.com", 7, login)
    assert made.bots() == {"2020-05": 1}


# The list: addresses and logins


@pytest.mark.parametrize("address", ["noreply@anthropic.com", "Action@GitHub.com", " actions@github.com\t"])
@pytest.mark.parametrize("account", [None, 7])
def test_an_address_of_the_list_is_a_bot(made: MadeHome, address: str, account: int | None) -> None:
    made.repository(commit(address, name="Ann"))
    made.answer(address.strip().lower(), account, account and "ann")
    assert made.bots() == {"2020-05": 1}


@pytest.mark.parametrize("login", ["dependabot-preview", "K8s-CI-Robot", "actions-user", "claude"])
def test_a_login_of_the_list_is_a_bot(made: MadeHome, login: str) -> None:
    made.repository(commit())
    made.answer("ann@example.com", 7, login)
    assert made.bots() == {"2020-05": 1}


@pytest.mark.parametrize("login", ["claude75", "pull", "pyup-bot-3", "renovate", "circleci", "actions-user2"])
def test_other_logins_are_people(made: MadeHome, login: str) -> None:
    made.repository(commit())
    made.answer("ann@example.com", 7, login)
    assert made.bots() == {}


@pytest.mark.parametrize("start", ["7+", ""])
def test_the_login_in_a_noreply_address_is_looked_up_in_the_list(made: MadeHome, start: str) -> None:
    made.repository(commit(f"{start}facebook-github-bot@users.noreply.github.com"))
    assert made.bots() == {"2020-05": 1}


def test_the_login_that_github_says_counts_more_than_the_one_in_the_address(made: MadeHome) -> None:
    made.repository(commit("7+facebook-github-bot@users.noreply.github.com"))
    made.answer("7+facebook-github-bot@users.noreply.github.com", 7, "ann")
    assert made.bots() == {}


def test_a_login_of_the_list_is_no_name_of_it(made: MadeHome) -> None:
    made.repository(commit(name="codecov-io"))
    assert made.bots() == {}


# The list: names


@pytest.mark.parametrize("name", ["renovate", " Renovate\t", "CircleCI", "imgbot"])
@pytest.mark.parametrize("address", ["ann@example.com", ""])
def test_a_name_of_the_list_is_a_bot_without_an_account(made: MadeHome, address: str, name: str) -> None:
    made.repository(commit(address, name=name))
    assert made.bots() == {"2020-05": 1}


def test_a_given_name_proves_nothing(made: MadeHome) -> None:
    made.repository(commit(name="Claude"), commit("", name="Claude"), commit("bob@example.com", name="Claude"))
    made.answer("bob@example.com", 7, "bob")
    assert (made.newcomers(), made.bots()) == ({"2020-05": 3}, {})


def named(name: str, number: int) -> list[Commit]:
    """So many commits of Ann's under a name."""
    return [commit(name=name) for _ in range(number)]


@pytest.mark.parametrize(("under_the_name", "others", "bots"), [(1, 9, 0), (2, 2, 0), (3, 2, 1), (1, 0, 1)])
def test_an_account_is_a_bot_by_name_if_most_of_its_commits_bear_it(
    made: MadeHome, under_the_name: int, others: int, bots: int
) -> None:
    made.repository(*named("CircleCI", under_the_name), *named("Ann", others))
    made.answer("ann@example.com", 7, "ann")
    assert sum(made.bots().values()) == bots


def test_most_of_the_commits_are_counted_over_repositories_addresses_and_names_of_the_list(made: MadeHome) -> None:
    made.repository(*named("CircleCI", 2), *named("Ann", 3))
    made.repository(commit("ann@home.example", name="Renovate"), repository_id=2)
    made.answer("ann@example.com", 7, "ann")
    made.answer("ann@home.example", 7, "ann")
    assert (made.bots(1), made.bots(2)) == ({}, {})
    made.repository(
        commit("ann@home.example", name="Renovate"), commit("ann@home.example", name="imgbot"), repository_id=2
    )
    assert (made.bots(1), made.bots(2)) == ({"2020-05": 1}, {"2020-05": 1})


# The list: numbers at the end


@pytest.mark.parametrize(
    "name", ["facebook-github-bot", "facebook-github-bot-6", "Facebook-GitHub-Whois-Bot-0", "generatedunixname891"]
)
def test_a_numbered_name_of_the_list_is_a_bot_with_or_without_a_number(made: MadeHome, name: str) -> None:
    made.repository(commit(name=name))
    assert made.bots() == {"2020-05": 1}


def test_a_numbered_login_of_the_list_is_a_bot(made: MadeHome) -> None:
    made.repository(commit())
    made.answer("ann@example.com", 7, "facebook-github-whois-bot-0")
    assert made.bots() == {"2020-05": 1}


@pytest.mark.parametrize("name", ["Renovate-12", "CircleCI 7", "imgbot2", "generatedunixname-1-2", "3 svcscm"])
def test_a_number_is_left_out_only_once_at_the_end_and_if_the_list_says_so(made: MadeHome, name: str) -> None:
    made.repository(commit(name=name))
    assert made.bots() == {}


# One commit


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
        "select value from typed.known_bots where value <> typed.normalised(value) or value = ''"
        " or (is_numbered and regexp_matches(value, '[-_ ]?[0-9]+$')) or kind not in ('address', 'login', 'name')"
        " or (kind = 'address') <> contains(value, '@') or (is_numbered and kind = 'address')"
    )
    assert made.query(never) == []
