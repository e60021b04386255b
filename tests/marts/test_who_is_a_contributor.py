"""Who a contributor is: the rules of docs/definitions.md, one small history each."""

import pytest
from histories import DAY, NOW, MadeHome, commit

BOT = "49699333+dependabot[bot]@users.noreply.github.com"


def ids(made: MadeHome) -> list[str]:
    return [row["contributor_id"] for row in made.contributors()]


def test_merges_count(made: MadeHome) -> None:
    made.repository(commit("ann@example.com"), commit("bob@example.com", "2020-06-01", parents=2))
    assert made.newcomers() == {"2020-05": 1, "2020-06": 1}


def test_a_root_commit_counts(made: MadeHome) -> None:
    made.repository(commit(parents=0))
    assert made.newcomers() == {"2020-05": 1}


def test_every_author_counts_once_per_repository(made: MadeHome) -> None:
    made.repository(commit(when="2020-05-01"), commit(when="2020-06-01"), commit(when="2020-07-01"))
    made.repository(commit(when="2020-07-01"), repository_id=2)
    assert made.newcomers(1) == {"2020-05": 1}
    assert made.newcomers(2) == {"2020-07": 1}
    assert [row["contributors"] for row in made.repositories()] == [1, 1]
    assert [row["repositories"] for row in made.contributors()] == [2]


def test_the_landed_columns_hold_nobody_but_the_author(made: MadeHome) -> None:
    made.repository(commit())
    columns = {row["column_name"] for row in made.query("describe landing.commits")}
    assert columns == {
        "repository_id",
        "sha",
        "parent_count",
        "author_name",
        "author_email",
        "authored_at",
        "committed_at",
    }


# Rule 1: a bot's own address


@pytest.mark.parametrize("address", [BOT, "dependabot[bot]@users.noreply.github.com", f"  {BOT.upper()} "])
def test_a_bot_address_is_the_bot_of_that_login(made: MadeHome, address: str) -> None:
    made.repository(commit(address, name="Somebody"))
    (bot,) = made.contributors()
    assert (bot["contributor_id"], bot["identity"], bot["login"]) == ("bot:dependabot", "bot", "dependabot[bot]")


def test_a_bot_with_and_without_its_id_is_one(made: MadeHome) -> None:
    made.repository(commit(BOT), commit("dependabot[bot]@users.noreply.github.com"))
    assert made.newcomers() == {"2020-05": 1}


def test_a_bot_address_comes_before_an_account_answer(made: MadeHome) -> None:
    made.repository(commit(BOT))
    made.answer(BOT, 77, "ann")
    assert ids(made) == ["bot:dependabot"]


def test_brackets_elsewhere_make_no_bot_address(made: MadeHome) -> None:
    made.repository(commit("dependabot[bot]@example.com"), commit("7+[bot]ann@users.noreply.github.com"))
    assert sorted(row["identity"] for row in made.contributors()) == ["account", "email"]
    assert made.bots() == {}


# Rule 2: the account


def test_the_account_that_owns_the_address(made: MadeHome) -> None:
    made.repository(commit("ann@example.com"))
    made.answer("ann@example.com", 7, "ann")
    (ann,) = made.contributors()
    assert (ann["contributor_id"], ann["identity"], ann["login"]) == ("github:7", "account", "ann")


def test_an_account_beats_the_id_in_the_address(made: MadeHome) -> None:
    made.repository(commit("7+ann@users.noreply.github.com"))
    made.answer("7+ann@users.noreply.github.com", 8, "anna")
    assert ids(made) == ["github:8"]


@pytest.mark.parametrize("asked", [False, True])
def test_the_id_in_the_address_holds_without_an_account(made: MadeHome, *, asked: bool) -> None:
    made.repository(commit("7+ann@users.noreply.github.com"))
    if asked:
        made.answer("7+ann@users.noreply.github.com", None)
    (ann,) = made.contributors()
    assert (ann["contributor_id"], ann["login"]) == ("github:7", "ann")


def test_the_id_in_the_address_and_the_account_answer_are_one_person(made: MadeHome) -> None:
    made.repository(commit("7+old-login@users.noreply.github.com"), commit("ann@example.com"))
    made.answer("ann@example.com", 7, "ann")
    assert made.newcomers() == {"2020-05": 1}
    assert made.contributors()[0]["login"] == "ann"  # what GitHub says now, not what the address said once


@pytest.mark.parametrize(
    "address",
    [
        "ann@users.noreply.github.com",
        "7ann@users.noreply.github.com",
        "x7+ann@users.noreply.github.com",
        "7+ann@users.noreply.github.com.example.com",
        "99999999999999999999+ann@users.noreply.github.com",
    ],
)
def test_an_address_without_a_proper_id_is_an_address_like_any(made: MadeHome, address: str) -> None:
    made.repository(commit(address))
    assert [row["identity"] for row in made.contributors()] == ["email"]


def test_two_linked_addresses_are_one_person(made: MadeHome) -> None:
    made.repository(commit("ann@work.example", "2020-06-01"), commit("ann@home.example", "2020-05-01"))
    assert made.newcomers() == {"2020-05": 1, "2020-06": 1}
    made.answer("ann@work.example", 7, "ann")
    made.answer("ann@home.example", 7, "ann")
    assert made.newcomers() == {"2020-05": 1}


def test_an_address_linked_anywhere_is_linked_everywhere(made: MadeHome) -> None:
    made.repository(commit("ann@work.example"), repository_id=1)
    made.repository(commit("Ann@Work.example"), commit("ann@home.example"), repository_id=2)
    made.answer("ann@work.example", 7, "ann")
    made.answer("ann@home.example", 7, "ann")
    assert (made.newcomers(1), made.newcomers(2)) == ({"2020-05": 1}, {"2020-05": 1})
    assert ids(made) == ["github:7"]


def test_the_answer_that_landed_last_holds(made: MadeHome) -> None:
    """Even if a clock that was ten years ahead dated the one before."""
    made.repository(commit())
    made.answer("ann@example.com", 7, "old", asked="2031-02-02")
    made.answer("ann@example.com", 8, "new", asked="2021-02-01")
    assert ids(made) == ["github:8"]
    made.landing.prepare()
    made.build()
    assert ids(made) == ["github:8"]


def test_the_newest_answer_holds_when_it_is_nobody(made: MadeHome) -> None:
    made.repository(commit())
    made.answer("ann@example.com", 7, "ann", asked="2021-02-01")
    made.answer("ann@example.com", None, asked="2021-02-02")
    assert [row["identity"] for row in made.contributors()] == ["email"]


def test_the_newest_answer_holds_after_an_old_nobody(made: MadeHome) -> None:
    made.repository(commit())
    made.answer("ann@example.com", None, asked="2021-02-01")
    made.answer("ann@example.com", 7, "ann", asked="2021-02-02")
    assert ids(made) == ["github:7"]


def test_an_old_answer_holds_until_there_is_a_newer_one(made: MadeHome) -> None:
    made.repository(commit())
    made.answer("ann@example.com", 7, "ann", asked=NOW - 400 * DAY)
    assert ids(made) == ["github:7"]


def test_putting_the_answers_together_changes_nobody(made: MadeHome) -> None:
    made.repository(commit("ann@example.com"), commit("bob@example.com"))
    made.answer("bob@example.com", None, asked="2021-02-02")
    made.answer("ann@example.com", 7, "ann", asked="2021-02-01")
    made.answer("bob@example.com", 7, "ann", asked="2021-02-03")
    before = ids(made)
    made.landing.prepare()
    assert len(list(made.landing.accounts.folder.iterdir())) == 1
    made.build()
    assert ids(made) == before == ["github:7"]


# Rule 3: the address


@pytest.mark.parametrize("written", ["ANN@Example.COM", " ann@example.com\t", "\u00a0ann@example.com\r\n"])
def test_an_address_is_compared_trimmed_and_lower_cased(made: MadeHome, written: str) -> None:
    made.repository(commit("ann@example.com"), commit(written, "2020-06-01", name="A. Nother"))
    assert made.newcomers() == {"2020-05": 1}


def test_a_name_does_not_matter_beside_an_address(made: MadeHome) -> None:
    made.repository(commit("ann@example.com", name="Ann"), commit("bob@example.com", name="Ann"))
    assert made.newcomers() == {"2020-05": 2}


def test_any_at_sign_makes_an_address(made: MadeHome) -> None:
    made.repository(commit("@", name="Ann"), commit("ann@", name="Ann"), commit("a@b@c", name="Ann"))
    assert [row["identity"] for row in made.contributors()] == ["email"] * 3


@pytest.mark.parametrize("asked", ["x" * 300 + "@example.com", ("x" * 300)[:256]])
def test_an_address_longer_than_256_characters_is_one_with_its_first_256(made: MadeHome, asked: str) -> None:
    """Files landed before the sources cut addresses hold whole ones, and GitHub was asked about those."""
    made.repository(commit("x" * 300 + "@example.com"), repository_id=1)
    made.repository(commit("x" * 256), repository_id=2)
    made.answer(asked, 7, "ann")
    assert ids(made) == ["github:7"]


# Rule 4: the name


@pytest.mark.parametrize("address", ["", "   ", "ann", "ann at example.com"])
def test_without_an_address_it_is_the_name_trimmed_and_lower_cased(made: MadeHome, address: str) -> None:
    made.repository(commit(address, name=" Ann Lee\t"), commit("", "2020-06-01", name="ANN LEE"))
    assert made.newcomers() == {"2020-05": 1}
    assert [row["identity"] for row in made.contributors()] == ["name"]


def test_a_name_longer_than_256_characters_is_one_with_its_first_256(made: MadeHome) -> None:
    made.repository(commit("", name="x" * 300))
    made.repository(commit("", name="x" * 256), repository_id=2)
    assert [row["name"] for row in made.contributors()] == ["x" * 256]


def test_a_name_is_no_address(made: MadeHome) -> None:
    made.repository(commit("", name="ann@example.com"), commit("ann@example.com", name=""))
    assert sorted(row["identity"] for row in made.contributors()) == ["email", "name"]


def test_blank_addresses_and_names_are_one_contributor_per_repository(made: MadeHome) -> None:
    made.repository(commit("", name=""), commit("  ", name="\t"), commit("nowhere", name=" "))
    made.repository(commit("", "2020-06-01", name=""), repository_id=2)
    assert (made.newcomers(1), made.newcomers(2)) == ({"2020-05": 1}, {"2020-06": 1})


def test_an_answer_about_a_text_that_is_no_address_holds_too(made: MadeHome) -> None:
    made.repository(commit("root", name="Ann"))
    made.answer("root", 7, "ann")
    assert ids(made) == ["github:7"]


# Over all of it


def test_a_rename_keeps_the_history(made: MadeHome) -> None:
    made.repository(commit(), repository_id=5, name="acme/old")
    before = made.months(5)
    made.repository(commit(), repository_id=5, name="emca/new")
    assert made.months(5) == before
    assert {row["repository"] for row in made.table("monthly_new_contributors")} == {"emca/new"}


def test_login_and_name_are_those_of_the_newest_commit(made: MadeHome) -> None:
    made.repository(
        commit("ann@work.example", "2020-05-01", name="Ann Maiden"),
        commit("ann@home.example", "2020-08-01", name="Ann Married"),
        commit("7+ann-at-first@users.noreply.github.com", "2020-09-01", name="ann@example.com"),
    )
    made.answer("ann@work.example", 7, "ann")
    made.answer("ann@home.example", 7, "ann")
    (ann,) = made.contributors()
    assert (ann["login"], ann["name"]) == ("ann", "Ann Married")  # a name with an @ is none
