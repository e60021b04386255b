"""The tables against the definitions in plain Python, and what must hold of them whatever was landed."""

import random
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import oracle
import pytest
from histories import Commit, MadeHome
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from oracle import Answer, Listed, Month
from organisations import Organisation, commits, crowded_organisation, organisations
from references import in_the_warehouse, orphans

from git_contrib_assets.marts.checks import one_row_per_key
from git_contrib_assets.marts.contributors import MARTS, OLD_MONTHS
from git_contrib_assets.serving.contract.contributors import PUBLICATION
from git_contrib_assets.serving.publish import publish
from git_contrib_assets.storage.warehouse import read_violations

SELECTS = [rule.name for mart in MARTS for rule in mart.rules if rule.blocking and rule is not OLD_MONTHS]


def examples(number: int) -> settings:
    """The same examples in every run, so that a red build is red again."""
    slow = [HealthCheck.too_slow, HealthCheck.data_too_large]
    return settings(max_examples=number, derandomize=True, deadline=None, database=None, suppress_health_check=slow)


@contextmanager
def landed(organisation: Organisation, **how: Any) -> Iterator[MadeHome]:
    """The organisation in a home that is gone afterwards."""
    with TemporaryDirectory() as folder:
        made = organisation.land(Path(folder) / "home", **how)
        (made.landing.folder / "key").write_text("1" * 64)
        yield made


def monthly(made: MadeHome) -> dict[tuple[int, date], Month]:
    """The built table, as the oracle gives it."""
    return {
        (row["repository_id"], row["date"]): Month(
            row["number_of_new_contributors"], row["number_of_new_bots"], row["cumulative_contributors"]
        )
        for row in made.table("monthly_new_contributors")
    }


def fingerprint(made: MadeHome) -> str:
    """The hash over all that would be published."""
    with made.building() as connection:
        return publish(connection, made.home, PUBLICATION, as_of=made.as_of).about["fingerprint"]


@examples(12)
@given(organisations())
def test_the_tables_are_those_of_the_definitions(organisation: Organisation) -> None:
    _equals_the_definitions(organisation)


@pytest.mark.parametrize("seed", range(6))
def test_the_tables_of_a_crowded_organisation_are_those_of_the_definitions(seed: int) -> None:
    _equals_the_definitions(crowded_organisation(seed))


def _equals_the_definitions(organisation: Organisation) -> None:
    firsts = oracle.first_commits(*_all(organisation))
    with landed(organisation) as made:
        with made.building() as connection:
            assert [name for name in SELECTS if read_violations(connection, name, {})[1]] == []
            assert orphans(connection, PUBLICATION, in_the_warehouse) == {}
            assert [mart.table.name for mart in MARTS if one_row_per_key(connection, mart.table).rows] == []
        assert monthly(made) == oracle.monthly(*_all(organisation))
        _same_people(made, firsts)
        _same_totals(made, firsts)


def _all(organisation: Organisation) -> tuple[tuple[Listed, ...], tuple[Answer, ...], Any]:
    return organisation.repositories, organisation.answers, organisation.now


def _same_people(made: MadeHome, firsts: dict[int, dict[str, oracle.First]]) -> None:
    """The same first commits, and one contributor_id per person over all repositories."""
    built = {}
    for row in made.table("first_commits"):
        key = (row["repository_id"], row["first_commit_at"], row["first_commit_sha"], row["date"], row["is_bot"])
        built[key] = row["contributor_id"]
    expected = {}
    for repository_id, people in firsts.items():
        for first in people.values():
            expected[repository_id, first.at, first.sha, first.month, first.is_bot] = first.person
    assert built.keys() == expected.keys()
    pairs = {(expected[key], built[key]) for key in built}
    assert len(pairs) == len({person for person, _ in pairs}) == len({contributor for _, contributor in pairs})


def _same_totals(made: MadeHome, firsts: dict[int, dict[str, oracle.First]]) -> None:
    """The same numbers in the tables of people and of repositories."""
    people: dict[str, list[oracle.First]] = {}
    for in_repository in firsts.values():
        for first in in_repository.values():
            people.setdefault(first.person, []).append(first)
    expected = sorted((len(all_of), min(one.at for one in all_of), all_of[0].is_bot) for all_of in people.values())
    built = sorted((row["repositories"], row["first_commit_at"], row["is_bot"]) for row in made.contributors())
    assert built == expected
    for row in made.repositories():
        of = firsts[row["repository_id"]].values()
        assert (row["contributors"], row["bots"]) == (len(of), sum(first.is_bot for first in of))


@examples(4)
@given(organisations(), st.integers(0, 2**32))
def test_the_order_of_arrival_does_not_matter(organisation: Organisation, seed: int) -> None:
    shuffle = random.Random(seed)  # noqa: S311 - not a secret
    shuffled = []
    for one in organisation.repositories:
        # the tip stays first: it is published
        tip, others = (one.commits or ())[:1], list((one.commits or ())[1:])
        shuffle.shuffle(others)
        shuffled.append(replace(one, commits=None if one.commits is None else (*tip, *others)))
    shuffle.shuffle(shuffled)
    with landed(organisation) as straight:
        expected = fingerprint(straight)
    mixed_up = Organisation(tuple(shuffled), organisation.answers, organisation.now)
    with landed(mixed_up, batch_rows=1, rows_per_group=2) as mixed:
        assert fingerprint(mixed) == expected
        mixed.landing.prepare()  # puts the files of answers together
        assert fingerprint(mixed) == expected


@examples(4)
@given(organisations())
def test_the_warehouse_can_be_deleted_and_comes_back(organisation: Organisation) -> None:
    with landed(organisation) as made:
        first = made.publish()
        made.home.warehouse.unlink()
        again = made.publish()
        assert (again.snapshot_id, again.changed) == (first.snapshot_id, False)
        shutil.rmtree(made.home.published)
        made.home.warehouse.unlink()
        made.home.prepare()
        afresh = made.publish()
        assert (afresh.snapshot_id, afresh.changed) == (first.snapshot_id, True)


@examples(3)
@given(organisations(), st.lists(st.integers(0, 12), min_size=1, max_size=3))
def test_histories_that_land_bit_by_bit_end_as_if_landed_at_once(organisation: Organisation, cuts: list[int]) -> None:
    with landed(organisation) as at_once:
        expected = fingerprint(at_once)
    with landed(Organisation(organisation.repositories, (), organisation.now)) as made:
        for cut in cuts:
            for one in organisation.repositories:
                if one.commits is not None:
                    made.land(one.repository_id, one.commits[-cut:] if cut else ())
            made.build()
        made.answers(answer.landed() for answer in organisation.answers)
        for one in organisation.repositories:
            if one.commits is not None:
                made.land(one.repository_id, one.commits)
        assert fingerprint(made) == expected


@examples(5)
@given(organisations(), commits())
def test_one_more_commit_never_lowers_a_running_total(organisation: Organisation, more: Commit) -> None:
    with landed(organisation) as made:
        before = monthly(made)
        for one in organisation.repositories:
            if one.commits is not None:
                made.land(one.repository_id, (*one.commits, replace(more, sha="f" * 40)))
        after = monthly(made)
    assert before.keys() <= after.keys()
    for key, month in before.items():
        assert month.total <= after[key].total <= month.total + 1


@examples(4)
@given(organisations())
def test_what_a_repository_is_called_changes_no_number(organisation: Organisation) -> None:
    with landed(organisation) as made:
        before = monthly(made)
        for one in made.listed.values():
            made.listed[one.repository_id] = replace(one, repository=f"zzz/{one.name}", owner="zzz")
        made.landing.repositories.write(made.listed.values())
        made.build()
        assert monthly(made) == before
