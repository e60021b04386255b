"""Which source reads, whatever the order in which threads come to their turn."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from crawl_scene import listed

from git_contrib_assets.errors import RepositoryBlocked
from git_contrib_assets.sources.histories.automatic import GitElseRest
from git_contrib_assets.sources.histories.cancellation import Cancellation
from git_contrib_assets.sources.histories.protocol import History

BLOCKED, READABLE = listed(1, "acme/blocked"), listed(2, "acme/readable")


class Git:
    """Delivers one repository and is refused the other."""

    name = "git"
    concurrency = 4

    def has_worked(self):
        return False

    async def plan(self, wanted):
        return [repository for repository, _ in wanted]

    def read(self, repository, *, cancellation, known=None):
        if repository == BLOCKED:
            raise RepositoryBlocked("acme/blocked: taken down")
        return History(tip="1" * 40, default_branch="main", requests=3, batches=iter(()))


class Rest:
    """Has everything, and tells when it is asked."""

    name = "rest"

    def __init__(self):
        self.asked = threading.Event()

    def read(self, repository, *, cancellation, known=None):
        self.asked.set()
        return History(tip="2" * 40, default_branch="main", requests=1, batches=iter(()))


@pytest.fixture
def cancellation():
    one = Cancellation()
    yield one
    one.cancel()


async def test_who_fails_before_another_has_begun_waits_for_it(cancellation):
    rest = Rest()
    source = GitElseRest(Git(), rest)
    await source.plan([(BLOCKED, None), (READABLE, None)])
    with ThreadPoolExecutor() as threads:
        blocked = threads.submit(source.read, BLOCKED, cancellation=cancellation)
        assert not rest.asked.wait(0.5)  # long enough for one that does not wait
        assert source.read(READABLE, cancellation=cancellation).tip == "1" * 40
        with pytest.raises(RepositoryBlocked):
            blocked.result(timeout=60)
    assert not rest.asked.is_set()
    assert source.name == "git"


async def test_who_fails_alone_is_asked_by_rest(cancellation):
    source = GitElseRest(Git(), Rest())
    await source.plan([(BLOCKED, None)])
    assert source.read(BLOCKED, cancellation=cancellation).tip == "2" * 40
    assert source.name == "rest"


async def test_more_that_fail_than_are_read_at_a_time_do_not_wait_for_those_behind_them(cancellation):
    git = Git()
    git.concurrency = 1
    source = GitElseRest(git, Rest())
    await source.plan([(BLOCKED, None), (READABLE, None)])
    assert source.read(BLOCKED, cancellation=cancellation).tip == "2" * 40
