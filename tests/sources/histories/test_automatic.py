"""Which source reads: decided once, by what the git server says about a few repositories."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from crawl_scene import PUSHED_AT, listed

from git_contrib_assets.errors import (
    HistoryUnavailable,
    LimitReached,
    NotAllowed,
    RepositoryBlocked,
    RepositoryNotFound,
    TokenRefused,
)
from git_contrib_assets.progress import Reporter, reporting_to
from git_contrib_assets.sources.histories.automatic import GitElseRest
from git_contrib_assets.sources.histories.cancellation import Cancellation
from git_contrib_assets.sources.histories.git_complaints import GitUnreachable
from git_contrib_assets.sources.histories.protocol import History

BLOCKED, READABLE = listed(1, "acme/blocked"), listed(2, "acme/readable")
GONE = [listed(number, f"acme/gone{number}", pushed_at=PUSHED_AT + timedelta(days=1)) for number in (11, 12, 13, 14)]


class Source:
    """Says the same of a repository each time: a tip, None for an empty one, or an error."""

    concurrency = 4

    def __init__(self, name, says, otherwise=None, *, worked=False):
        self.name, self.says, self.otherwise, self.worked = name, says, otherwise, worked
        self.asked, self.read_of = [], []

    def has_worked(self):
        return self.worked

    async def plan(self, wanted):
        return [repository for repository, _ in wanted]

    def has_branches(self, repository, *, cancellation):
        self.asked.append(repository.repository)
        return self.tip(repository) is not None

    def read(self, repository, *, cancellation, known=None):
        self.read_of.append(repository.repository)
        return History(tip=self.tip(repository), default_branch="main", requests=3, batches=iter(()))

    def tip(self, repository):
        said = self.says.get(repository.repository_id, self.otherwise)
        if isinstance(said, Exception):
            raise said
        return said


class Notes(Reporter):
    def __init__(self):
        self.notes = []

    def note(self, text):
        self.notes.append(text)


@pytest.fixture
def cancellation():
    one = Cancellation()
    yield one
    one.cancel()


@pytest.fixture
def notes():
    heard = Notes()
    with reporting_to(heard):
        yield heard.notes


async def planned(git, rest, *repositories):
    source = GitElseRest(git, rest)
    assert await source.plan([(one, None) for one in repositories]) == list(repositories)
    return source


def git_has(says, otherwise=None, **more):
    return Source("git", says, otherwise, **more)


def rest_has(says, otherwise="2" * 40):
    return Source("rest", says, otherwise)


REFUSED = RepositoryBlocked("acme/blocked: taken down")


async def test_a_repository_that_git_refuses_does_not_speak_for_the_others(cancellation):
    """Whichever comes first: REST is not asked, and its requests are not used up."""
    rest = rest_has({})
    source = await planned(git_has({1: REFUSED, 2: "1" * 40}), rest, BLOCKED, READABLE)
    with pytest.raises(RepositoryBlocked):
        source.read(BLOCKED, cancellation=cancellation)
    assert source.read(READABLE, cancellation=cancellation).tip == "1" * 40
    assert source.name == "git"
    assert rest.read_of == []


async def test_who_fails_alone_is_asked_by_rest(cancellation, notes):
    source = await planned(git_has({1: REFUSED}), rest_has({}), BLOCKED)
    assert source.read(BLOCKED, cancellation=cancellation).tip == "2" * 40
    assert source.name == "rest"
    assert "git did not get through (acme/blocked: taken down)" in notes[0]


async def test_more_that_fail_than_are_asked_do_not_wait_for_those_behind_them(cancellation):
    """Three are asked at most: the last pushed to, which most likely have commits."""
    git = git_has(dict.fromkeys((11, 12, 13, 14), REFUSED), "1" * 40)
    source = await planned(git, rest_has({}), READABLE, *GONE)
    assert source.read(GONE[0], cancellation=cancellation).tip == "2" * 40
    assert sorted(git.asked) == [one.repository for one in GONE[:3]]


async def test_it_is_decided_once(cancellation):
    git = git_has({}, "1" * 40)
    source = await planned(git, rest_has({}), BLOCKED, READABLE)
    with ThreadPoolExecutor() as threads:
        reads = [threads.submit(source.read, READABLE, cancellation=cancellation) for _ in range(8)]
        assert {read.result(timeout=60).tip for read in reads} == {"1" * 40}
    assert len(git.asked) == len(set(git.asked)) <= 2


async def test_one_that_hangs_does_not_speak_for_the_others(cancellation, notes):
    """Nor is it waited for: the first answer decides, and ends the other questions."""
    git, given_up = git_has({}, "1" * 40), threading.Event()

    def has_branches(repository, *, cancellation):
        if repository is READABLE:
            return True
        with cancellation.calls(given_up.set):
            assert given_up.wait(60)
        raise GitUnreachable("acme/gone11: the git server does not answer in time")

    git.has_branches = has_branches
    source = await planned(git, rest_has({}), READABLE, *GONE[:2])
    assert source.read(READABLE, cancellation=cancellation).tip == "1" * 40
    assert (source.name, notes) == ("git", [])


async def test_a_server_that_cannot_be_reached_is_asked_once_and_rest_reads(cancellation, notes):
    git = git_has({}, GitUnreachable("acme/readable: the git server cannot be reached"), worked=True)
    source = await planned(git, rest_has({}), READABLE, BLOCKED, *GONE)
    assert source.read(READABLE, cancellation=cancellation).tip == "2" * 40
    assert sorted(git.asked) == [one.repository for one in GONE[:3]]
    assert len(notes) == 1


@pytest.mark.parametrize("said", [None, REFUSED, HistoryUnavailable("502")], ids=["empty", "refused", "no answer"])
async def test_git_that_worked_before_is_not_doubted_for_what_it_says(cancellation, said):
    rest = rest_has({})
    source = await planned(git_has({}, said, worked=True), rest, READABLE)
    if said:
        with pytest.raises(type(said)):
            source.read(READABLE, cancellation=cancellation)
    else:
        assert source.read(READABLE, cancellation=cancellation).tip is None
    assert (source.name, rest.read_of) == ("git", [])


@pytest.mark.parametrize(
    "by_rest", [None, RepositoryNotFound("404"), LimitReached("soon", seconds=9.0), NotAllowed("403")], ids=repr
)
async def test_what_rest_has_no_commits_of_is_no_reason_to_leave_git(cancellation, by_rest, notes):
    source = await planned(git_has({}), rest_has({}, by_rest), READABLE)
    assert source.read(READABLE, cancellation=cancellation).tip is None
    assert (source.name, notes) == ("git", [])


@pytest.mark.parametrize("side", ["git", "rest"])
async def test_a_refused_token_ends_everything_from_either_side(cancellation, side):
    """No source is tried after it, and each repository says so."""
    refused = TokenRefused("GitHub refuses the token")
    git, rest = git_has({}, refused if side == "git" else REFUSED), rest_has({}, refused)
    source = await planned(git, rest, READABLE, BLOCKED)
    for repository in (READABLE, BLOCKED):
        with pytest.raises(TokenRefused):
            source.read(repository, cancellation=cancellation)
    assert side == "rest" or rest.read_of == []


async def test_the_readers_wait_for_the_decision(cancellation):
    """None is read by git while it is not known whether there is any."""
    git, answering = git_has({}, GitUnreachable("nowhere")), threading.Event()
    git.tip = lambda repository, tip=git.tip: answering.wait(60) and tip(repository)
    source = await planned(git, rest_has({}), READABLE, BLOCKED)
    with ThreadPoolExecutor() as threads:
        reads = [threads.submit(source.read, one, cancellation=cancellation) for one in (READABLE, BLOCKED)]
        answering.set()
        assert {read.result(timeout=60).tip for read in reads} == {"2" * 40}
    assert git.read_of == []
