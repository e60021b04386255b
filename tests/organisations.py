"""Random organisations: few people in many guises, odd addresses, names and dates, answers of several ages."""

import random
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from histories import DAY, SECOND, Commit, MadeHome, at
from hypothesis import strategies as st
from oracle import Answer, Listed

ADDRESSES = [
    "ann@example.com",
    " Ann@Example.COM",
    "\u00a0ann@example.com\t",
    "bob@example.com",
    "carol@work.example",
    "carol@home.example",
    "7+carol@users.noreply.github.com",
    "007+CAROL@users.noreply.github.com",
    "7+ca+rol@users.noreply.github.com",
    "carol@users.noreply.github.com",
    "8+dan@users.noreply.github.com",
    "\uff17+carol@users.noreply.github.com",
    "7carol@users.noreply.github.com",
    "+carol@users.noreply.github.com",
    "99999999999999999999+huge@users.noreply.github.com",
    "9+Renewer[bot]@users.noreply.github.com",
    "renewer[bot]@users.noreply.github.com",
    "renewer[bot]@example.com",
    "8+pyup-bot-2@users.noreply.github.com",
    "9+facebook-github-bot-2@users.noreply.github.com",
    "pyup-bot@users.noreply.github.com",
    "NoReply@Anthropic.com",
    "Σίσυφος@παράδειγμα.gr",
    "ΣΊΣΥΦΟΣ@ΠΑΡΆΔΕΙΓΜΑ.GR",
    "İrem@example.com",
    "irem@example.com",
    "ann'; drop table commits; --@example.com",
    "@",
    "",
    "  ",
    "localhost",
    "LOCALHOST",
]
NAMES = [
    "Ann",
    " ANN ",
    "Bob",
    "",
    "\t",
    "renewer[bot]",
    "Renovate-3",
    "renovate",
    "CircleCI",
    "Claude",
    "generatedunixname42",
    "ΣΊΣΥΦΟΣ",
    "σίσυφοσ",
    "a@b",
    "🦆",
    "İ",
]
LOGINS = ["ann", "Bob", "dependabot-preview", "Pyup-Bot-12", "renewer[bot]", "pull", "claude75", "actions-user"]
MOMENTS = [
    "1980-01-02T00:00:00",
    "2019-12-31T23:59:59",
    "2020-01-01T00:00:00",
    "2020-02-29T12:00:00",
    "2020-03-01T00:00:00",
    "2021-01-31T23:59:59",
    "2021-02-01T00:00:00",
    "2021-02-14T00:00:00",
    "2022-01-01T00:00:00",
    "2038-01-19T03:14:08",
    "2099-06-01T00:00:00",
]
SENSELESS = [
    "0001-01-01T00:00:00",
    "1969-12-31T23:59:59",
    "1970-01-01T00:00:00",
    "1979-12-31T23:59:59",
    "1980-01-01T00:00:00",
    "1980-01-01T23:59:59",
    "9999-12-31T23:59:59",
]
CREATED = [*MOMENTS[1:-2], "1970-01-01T00:00:00", "1980-01-01T00:00:00"]
SEEN = ["2020-02-15T00:00:00", "2020-11-30T12:00:00", "2021-01-31T00:00:00"]
NOWS = ["2021-02-01T00:00:00", "2021-02-28T23:59:59", "2021-03-15T12:00:00"]
AFTER = [
    timedelta(0),
    SECOND,
    -SECOND,
    DAY,
    -DAY,
    -DAY - SECOND,
    -DAY + SECOND,
    timedelta(days=400),
    timedelta(days=-400),
]


@dataclass(frozen=True)
class Organisation:
    """Repositories, answers, and now."""

    repositories: tuple[Listed, ...]
    answers: tuple[Answer, ...]
    now: datetime

    def land(self, root: Path, *, rows_per_group: int = 32_000, **how: Any) -> MadeHome:
        """The organisation in a home of its own."""
        made = MadeHome(root, as_of=self.now, rows_per_group=rows_per_group)
        for one in self.repositories:
            made.repository(
                *(one.commits or ()),
                repository_id=one.repository_id,
                created=one.created_at,
                never_read=one.commits is None,
                is_fork=one.is_fork,
                missing_since=one.vanished_at or (self.now if one.is_private else None),
                missing_reason="private" if one.is_private else None,
                first_seen_at=one.first_seen_at,
                **how,
            )
        middle = len(self.answers) // 2
        made.answers(answer.landed() for answer in self.answers[:middle])
        made.answers(answer.landed() for answer in self.answers[middle:])
        return made


def shifted(moment: datetime, by: timedelta) -> datetime:
    """A moment later or earlier, within the calendar."""
    try:
        return moment + by
    except OverflowError:
        return at(SENSELESS[-1] if by > timedelta(0) else SENSELESS[0])


_senseless = st.sampled_from(SENSELESS).map(at)
_moments = st.one_of(*[st.sampled_from(MOMENTS).map(at)] * 3, _senseless)
_texts = st.text(st.sampled_from("aB @[]bot+7'\"\\%_\u00a0éÉß"), max_size=6)
_names = st.one_of(st.sampled_from(NAMES), _texts)
_addresses = st.one_of(st.sampled_from(ADDRESSES), st.sampled_from(ADDRESSES), _texts)
# ff…f is left out: a test adds a commit of that name
_shas = st.integers(0, 2**160 - 2).map(lambda number: f"{number:040x}")


@st.composite
def commits(draw: st.DrawFn, known: tuple[str, ...] = tuple(ADDRESSES)) -> Commit:
    """A commit with all that can be odd about one; seven of eight are under one of the known addresses."""
    address = draw(st.sampled_from(known) if draw(st.integers(0, 7)) else _addresses)
    authored_at = draw(_moments)
    near = shifted(authored_at, draw(st.sampled_from(AFTER)))
    committed_at = near if draw(st.integers(0, 3)) else draw(_senseless)
    return Commit(address, draw(_names), authored_at, committed_at, draw(_shas), draw(st.integers(0, 3)))


@st.composite
def repositories(draw: st.DrawFn, repository_id: int, known: tuple[str, ...]) -> Listed:
    """A repository; now and then one that was never read, or vanished."""
    history = draw(st.lists(commits(known), max_size=14, unique_by=lambda one: one.sha))
    for original in draw(st.lists(st.sampled_from(history), max_size=4) if history else st.just([])):
        twin = replace(original, sha=draw(_shas), name=draw(st.sampled_from([original.name, "Zoe"])))
        if twin.sha not in {one.sha for one in history}:  # the same moment again: the smallest sha is the first
            history.append(twin)
    return Listed(
        repository_id=repository_id,
        created_at=draw(st.sampled_from([None, *map(at, CREATED)])),
        commits=None if draw(st.integers(0, 9)) == 0 else tuple(history),
        vanished_at=draw(st.sampled_from([None, None, None, at("2020-12-31T23:59:59"), at("2021-01-01T00:00:00")])),
        is_fork=draw(st.booleans()),
        first_seen_at=at(draw(st.sampled_from(SEEN))),
        is_private=draw(st.integers(0, 7)) == 0,
    )


@st.composite
def answers(draw: st.DrawFn, asked_at: datetime, known: tuple[str, ...]) -> Answer:
    """An answer about one of the known addresses."""
    address = draw(st.sampled_from(known))
    if draw(st.booleans()):
        return Answer(address, draw(st.integers(7, 9)), draw(st.sampled_from(LOGINS)), asked_at)
    return Answer(address, None, None, asked_at)


@st.composite
def organisations(draw: st.DrawFn) -> Organisation:
    """An organisation of up to four repositories, whose people have few addresses, so that many meet again."""
    known = tuple(draw(st.lists(st.sampled_from(ADDRESSES), min_size=2, max_size=8, unique=True)))
    listed = [draw(repositories(number, known)) for number in range(1, draw(st.integers(1, 4)) + 1)]
    ages = draw(st.lists(st.integers(0, 60), max_size=16, unique=True))
    return Organisation(
        tuple(listed),
        tuple(draw(answers(at("2021-01-20T00:00:00") - timedelta(days=age), known)) for age in ages),
        at(draw(st.sampled_from(NOWS))),
    )


def crowded_organisation(seed: int) -> Organisation:
    """A larger organisation of the same stuff: hypothesis prefers small ones, in which few rules ever meet."""
    chance = random.Random(seed)  # noqa: S311 - not a secret
    known, now = chance.sample(ADDRESSES, 16), at(chance.choice(NOWS))
    usual_names = {address: chance.choice(NAMES) for address in known}

    def one_commit() -> Commit:
        # few moments, so that many commits tie
        authored_at = shifted(at(chance.choice(MOMENTS + SENSELESS)), chance.randrange(40) * DAY)
        committed_at = shifted(authored_at, chance.choice([AFTER[0], AFTER[0], *AFTER]))
        if chance.randrange(4) == 0:
            committed_at = at(chance.choice(SENSELESS))
        sha, address = f"{chance.getrandbits(160):040x}", chance.choice(known)
        name = usual_names[address] if chance.randrange(5) else chance.choice(NAMES)
        return Commit(address, name, authored_at, committed_at, sha, chance.randrange(3))

    def an_answer(age: int) -> Answer:
        account = chance.choice([None, 7, 8, 9])
        login = chance.choice(LOGINS[:3]) if account else None
        return Answer(chance.choice(known), account, login, now - timedelta(days=age))

    listed = []
    for number in range(1, 7):
        history = [one_commit() for _ in range(chance.choice([3, 12, 40]))]
        twins = [replace(one, sha=f"{chance.getrandbits(160):040x}") for one in chance.sample(history, 3)]
        created_at, gone = at(chance.choice(CREATED)), at("2021-01-01T00:00:00") if number == 1 else None
        listed.append(Listed(number, created_at, tuple(history + twins), gone, is_private=number == 2))
    return Organisation(tuple(listed), tuple(an_answer(age) for age in range(12)), now)
