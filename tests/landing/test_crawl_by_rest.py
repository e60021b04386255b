"""A crawl by REST against the stand-in: failures and limits that are one repository's own, and those that are not."""

import threading
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from crawl_scene import Seen, listed
from github_scene import github_settings

from git_contrib_assets.errors import LimitReached, TokenRefused
from git_contrib_assets.landing.crawl import Crawl
from git_contrib_assets.progress import Reporter, reporting_to
from git_contrib_assets.records import AttemptState
from git_contrib_assets.sources.github.client import GitHubClient
from git_contrib_assets.sources.github.limits import Budget
from git_contrib_assets.sources.histories.automatic import GitElseRest
from git_contrib_assets.sources.histories.git import GitHistory
from git_contrib_assets.sources.histories.rest import RestHistory
from git_contrib_assets.sources.histories.rest_reading import Paging
from git_contrib_assets.storage.home import Home
from git_contrib_assets.storage.landing_zone import LandingZone
from github_stand_in.server import NewCommit, StandIn, running

TOKEN = "ghp_crawl_by_rest"
PAGE = 5
START = datetime(2020, 1, 1, tzinfo=UTC)


class Heard(Reporter):
    def __init__(self):
        self.notes = []

    def note(self, message):
        self.notes.append(message)


class Scene:
    """Repositories of so many pages of five commits; ``crawl`` keeps what it brings and what ends it."""

    def __init__(self, folder, github: StandIn):
        self.github = github
        self.home = Home(folder / "home")
        self.home.prepare()
        self.landing = LandingZone(self.home)
        self.landing.prepare()
        self.repositories = []
        self.heard = Heard()
        self.error = None
        self.paging = Paging(rows_per_page=PAGE)

    def by_rest(self, client):
        return RestHistory(client, self.paging)

    def add(self, **pages):
        for name, number in pages.items():
            self.github.create(f"acme/{name}")
            work = [
                NewCommit("Ann", "ann@example.invalid", START + timedelta(hours=hour)) for hour in range(PAGE * number)
            ]
            if work:
                self.github.push(f"acme/{name}", work)
            self.repositories.append(listed(len(self.repositories) + 1, f"acme/{name}"))

    async def crawl(
        self,
        *,
        token=TOKEN,
        max_wait=60.0,
        source=None,
        unlisted=True,
        everything_again=False,
        budget=None,
        **settings,
    ):
        self.error = None
        states = {}
        urls = {"api_url": self.github.api_url, "server_url": self.github.server_url, **settings}
        with reporting_to(self.heard):
            async with GitHubClient(github_settings(token, **urls), budget or Budget(max_wait=max_wait)) as client:
                crawl = Crawl(self.landing, (source or self.by_rest)(client), Seen(), "run")
                of_run = ([], self.repositories) if unlisted else (self.repositories, [])
                try:
                    async with aclosing(crawl.run(*of_run, everything_again=everything_again)) as attempts:
                        async for one in attempts:
                            states[one.repository.partition("/")[2]] = one.reason or one.state.value
                except (LimitReached, TokenRefused) as error:
                    self.error = error
        return states

    def logged(self, state):
        return {one.repository.partition("/")[2] for one in self.landing.crawl_log.attempts() if one.state is state}

    def asked(self, name):
        return len([one for one in self.github.requests("rest") if f"/acme/{name}/" in one["path"]])


@pytest.fixture
def scene(tmp_path):
    (tmp_path / "github").mkdir()
    (tmp_path / "github" / "repositories.json").write_text("[]")
    with running(tmp_path / "github", tokens=[TOKEN]) as github:
        yield Scene(tmp_path, github)


# What is one repository's own


async def test_a_page_that_is_refused_fails_its_repository_alone(scene):
    scene.add(good=3, gone=3, cut=3, empty=0)
    scene.github.fault("not_found", path="/gone/commits.*page=2")
    scene.github.fault("dmca", path="/cut/commits.*page=3")
    assert await scene.crawl() == {"good": "landed", "gone": "not_found", "cut": "blocked", "empty": "empty"}
    assert not scene.landing.commits.file(2).exists()
    assert not list(scene.home.root.rglob("*.tmp*"))
    scene.github.clear_faults()
    again = await scene.crawl()
    assert (again["gone"], again["cut"], again["good"]) == ("landed", "landed", "unchanged")


@pytest.mark.parametrize(("rows", "reason"), [(0, "incomplete"), (3, "incomplete"), (5, "incomplete"), (9, "corrupt")])
async def test_pages_that_do_not_fit_together_are_read_once_more_and_then_fail(scene, rows, reason):
    scene.add(odd=4)
    commit = {"sha": "0" * 40, "parents": [], "commit": {"author": None, "committer": None}, "author": None}
    body = [{**commit, "sha": f"{number:040x}"} for number in range(rows)]
    scene.github.fault("bad_gateway", path="/odd/commits.*page=2", status=200, body=body, times=1)
    assert await scene.crawl() == {"odd": "landed"}
    assert scene.landing.commits.landed(1).commits == 20
    scene.landing.commits.file(1).unlink()
    scene.github.fault("bad_gateway", path="/odd/commits.*page=2", status=200, body=body)
    assert await scene.crawl() == {"odd": reason}


async def test_a_page_that_comes_twice_in_place_of_another_is_noticed(scene):
    scene.add(odd=2)
    async with GitHubClient(github_settings(TOKEN, api_url=scene.github.api_url), Budget()) as client:
        first = (await client.get("/repos/acme/odd/commits", {"per_page": PAGE})).json()
    scene.github.fault("bad_gateway", path="/odd/commits.*page=2", status=200, body=first)
    assert await scene.crawl() == {"odd": "incomplete"}


async def test_an_increment_that_does_not_join_what_is_landed_is_read_whole(scene):
    """The comparison tells of as many commits as were pushed, but of others."""
    scene.add(odd=2)
    await scene.crawl()
    scene.github.push("acme/odd", [NewCommit("Bob", "bob@example.invalid", START + timedelta(days=9))])
    other = {"sha": "1" * 40, "parents": [{"sha": "2" * 40}], "commit": {"author": None, "committer": None}}
    body = {"status": "ahead", "total_commits": 1, "commits": [other]}
    scene.github.fault("bad_gateway", path="/odd/compare", status=200, body=body)
    assert await scene.crawl() == {"odd": "landed"}
    assert scene.landing.commits.landed(1).commits == 2 * PAGE + 1


async def test_a_rename_is_followed_once(scene):
    scene.add(old=6)
    scene.github.rename("acme/old", "new")
    assert await scene.crawl() == {"old": "landed"}
    assert len(scene.github.requests("rest")) == 6 + 1


async def test_a_change_of_source_reads_nothing_twice(scene):
    scene.add(one=4)
    settings = {"api_url": scene.github.api_url, "server_url": scene.github.server_url}
    by_git = lambda _: GitHistory(github_settings(TOKEN, **settings), scene.home.git)  # noqa: E731
    assert await scene.crawl(source=by_git) == {"one": "landed"}
    scene.github.push("acme/one", [NewCommit("Bob", "bob@example.invalid", START)])
    assert await scene.crawl() == {"one": "landed"}
    assert len(scene.github.requests("rest")) == 2
    assert scene.landing.commits.landed(1).source == "rest"
    scene.github.push("acme/one", [NewCommit("Cleo", "cleo@example.invalid", START)])
    assert await scene.crawl(source=by_git) == {"one": "landed"}
    assert (scene.landing.commits.landed(1).commits, scene.landing.commits.landed(1).source) == (22, "git")


# Limits


class Noting(Budget):
    """Notes when it allowed each request, and from when until when it was to allow none: a second from a limit on."""

    def __init__(self):
        super().__init__(max_wait=60.0)
        self.allowed, self.pauses = [], []

    async def acquire(self, resource):
        await super().acquire(resource)
        self.allowed.append(self.clock())

    def limited(self, verdict):
        before = self.clock()
        super().limited(verdict)
        self.pauses.append((self.clock(), before + 1.0))


async def test_nobody_asks_while_github_wants_a_pause(scene):
    scene.add(long=40, short=1)
    scene.github.fault("secondary_limit", path="/long/", after=9, times=1, headers={"retry-after": "1"})
    budget = Noting()
    assert await scene.crawl(budget=budget) == {"long": "landed", "short": "landed"}
    requests = scene.github.requests("rest")
    assert [one["status"] for one in requests].count(403) == len(budget.pauses) == 1
    ((begin, end),) = budget.pauses
    assert not [moment for moment in budget.allowed if begin < moment < end]
    assert [moment for moment in budget.allowed if moment >= end]
    assert len(requests) == len(budget.allowed)
    assert scene.asked("long") == 40 + 1


async def test_the_primary_limit_is_waited_for_without_a_refusal(scene):
    scene.paging = replace(scene.paging, little_budget=0)  # nobody looks ahead
    scene.add(long=40, short=1)
    scene.github.limits(core=25, window=1)
    assert await scene.crawl() == {"long": "landed", "short": "landed"}
    assert scene.asked("long") == 40
    assert scene.github.limits()["refused_primary"] == 0


async def test_a_limit_that_lifts_too_late_ends_the_crawl_and_keeps_what_is_finished(scene):
    scene.add(short=1, long=40, other=1)
    scene.github.limits(core=25, window=3600)
    states = await scene.crawl()
    assert "long" not in states
    assert isinstance(scene.error, LimitReached)
    assert 3000 < scene.error.seconds <= 3660
    assert scene.logged(AttemptState.LANDED) == set(states)
    assert scene.logged(AttemptState.NOT_REACHED) == {"short", "long", "other"} - set(states)
    assert not scene.logged(AttemptState.FAILED)
    assert scene.github.limits()["refused_primary"] == 0
    assert not list(scene.home.root.rglob("*.tmp*"))


async def test_a_refused_token_ends_the_crawl_at_once(scene):
    def one_at_a_time(client):  # else the token may be refused before the others have landed
        source = scene.by_rest(client)
        source.concurrency = 1
        return source

    scene.add(one=1, two=1, long=30)
    scene.github.fault("bad_gateway", path="/long/.*page=30", status=401, body={"message": "Bad credentials"})
    states = await scene.crawl(source=one_at_a_time)
    assert isinstance(scene.error, TokenRefused)
    assert states == {"one": "landed", "two": "landed"}
    assert scene.logged(AttemptState.NOT_REACHED) == {"long"}


# A small budget


async def test_with_little_left_the_smallest_come_first_and_only_what_fits(scene):
    scene.add(large=30, small=1, medium=4, larger=40)
    scene.github.limits(anonymous=20, window=3600)
    assert await scene.crawl(token=None) == {"small": "landed", "medium": "landed"}
    (note,) = scene.heard.notes
    assert "GitHub allows 16 more requests until" in note
    assert "2 of 4 repositories are certain to fit, the smallest come first; run again then" in note
    assert "set GITHUB_TOKEN" in note
    assert scene.logged(AttemptState.NOT_REACHED) == {"large", "larger"}
    assert "that exceeds the limit of 20 per window, allow a longer --max-wait" in str(scene.error)
    assert "(2 repositories were not reached)" in str(scene.error)
    assert [scene.asked(name) for name in ("small", "medium", "large", "larger")] == [1, 4, 1, 1]
    assert scene.github.limits()["refused_primary"] == 0


async def test_nothing_is_begun_that_does_not_fit_beside_what_is_under_way(scene):
    scene.add(one=4, two=4)
    scene.github.limits(anonymous=6, window=3600)
    states = await scene.crawl(token=None)
    assert list(states.values()) == ["landed"]
    assert sorted(scene.asked(name) for name in ("one", "two")) == [1, 4]


async def test_what_is_too_large_does_not_stand_in_the_way_of_the_others(scene):
    scene.paging = replace(scene.paging, little_budget=0)  # nobody looks ahead
    scene.add(large=30, small=2, other=2)
    scene.github.limits(core=20, window=3600)
    assert await scene.crawl() == {"small": "landed", "other": "landed"}
    assert isinstance(scene.error, LimitReached)
    assert scene.asked("large") == 1


async def test_what_is_used_up_is_not_asked(scene):
    """A new process knows nothing of what the last one used: it looks first, which is free."""
    scene.add(one=2, two=2)
    scene.github.limits(anonymous=4, window=3600)
    await scene.crawl(token=None)
    before = scene.github.limits()
    scene.github.forget_requests()
    assert await scene.crawl(token=None, unlisted=True) == {}
    assert {one["path"].rpartition("/")[2] for one in scene.github.requests()} == {"rate_limit"}
    assert before["refused_primary"] == scene.github.limits()["refused_primary"] == 0
    assert isinstance(scene.error, LimitReached)


async def test_everything_fits_is_said_too(scene):
    scene.add(one=2, two=3)
    assert await scene.crawl(token=None) == {"one": "landed", "two": "landed"}
    assert "all 2 repositories fit, they take 3" in scene.heard.notes[0]


async def test_what_does_not_fit_is_waited_for_where_that_is_allowed(scene):
    scene.add(one=2, two=12, three=3)
    scene.github.limits(anonymous=10, window=1)
    assert await scene.crawl(token=None) == {"one": "landed", "two": "landed", "three": "landed"}
    assert (
        "2 of 3 repositories are certain to fit, the smallest come first; the rest wait for the next window"
        in (scene.heard.notes[0])
    )
    assert scene.github.limits()["refused_primary"] == 0


async def test_increments_are_estimated_from_what_is_landed(scene):
    scene.add(one=20, two=20)
    await scene.crawl()
    for name in ("one", "two"):
        scene.github.push(f"acme/{name}", [NewCommit("Bob", "bob@example.invalid", START + timedelta(days=400))])
    scene.github.limits(anonymous=8, window=3600)
    assert await scene.crawl(token=None) == {"one": "landed", "two": "landed"}
    assert "all 2 repositories fit, they take 2" in scene.heard.notes[0]


async def test_many_repositories_on_a_small_budget_use_it_to_the_end(scene):
    scene.add(**{f"r{number:02}": 1 + number % 3 for number in range(20)})
    scene.github.limits(anonymous=15, window=3600)
    states = await scene.crawl(token=None)
    assert len(states) >= 5  # whichever seven of them are looked at first: that is left to chance
    assert set(states.values()) == {"landed"}
    assert len(scene.logged(AttemptState.NOT_REACHED)) == 20 - len(states)
    assert scene.github.limits()["refused_primary"] == 0


# Where git does not get through


async def test_rest_takes_over_where_git_does_not_get_through(scene):
    scene.add(one=2, two=1)
    nowhere = github_settings(TOKEN, api_url=scene.github.api_url, server_url="http://127.0.0.1:1")
    git = GitHistory(nowhere, scene.home.git, attempts=1)
    assert await scene.crawl(source=lambda client: GitElseRest(git, scene.by_rest(client))) == {
        "one": "landed",
        "two": "landed",
    }
    assert scene.landing.commits.landed(1).source == scene.landing.commits.landed(2).source == "rest"
    (note,) = scene.heard.notes
    assert "Histories come by REST from here on: git did not get through" in note


class _NoGitServer(BaseHTTPRequestHandler):
    """Answers everything, but not as a git server does."""

    def do_GET(self) -> None:
        self.send_response(self.server.status)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize("status", [200, 403, 404, 501])
async def test_rest_takes_over_where_what_answers_is_no_git_server(scene, status):
    scene.add(one=2, two=1, nothing=0)
    with ThreadingHTTPServer(("127.0.0.1", 0), _NoGitServer) as server:
        server.status = status
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        git = GitHistory(
            github_settings(TOKEN, api_url=scene.github.api_url, server_url=address), scene.home.git, attempts=1
        )
        states = await scene.crawl(source=lambda client: GitElseRest(git, scene.by_rest(client)))
        server.shutdown()
    assert states["one"] == states["two"] == "landed"
    assert scene.landing.commits.landed(1).source == scene.landing.commits.landed(2).source == "rest"
    assert len([note for note in scene.heard.notes if "Histories come by REST from here on" in note]) == 1


async def test_an_empty_repository_alone_is_no_reason_to_leave_git(scene):
    scene.add(nothing=0)
    settings = github_settings(TOKEN, api_url=scene.github.api_url, server_url=scene.github.server_url)
    git = GitHistory(settings, scene.home.git, attempts=1)
    assert await scene.crawl(source=lambda client: GitElseRest(git, scene.by_rest(client))) == {"nothing": "empty"}
    assert scene.landing.commits.landed(1).source == "git"
    assert not scene.heard.notes


async def test_a_repository_that_fails_alone_is_not_asked_by_rest_once_git_has_worked(scene):
    scene.add(one=2)
    settings = github_settings(TOKEN, api_url=scene.github.api_url, server_url=scene.github.server_url)
    git = GitHistory(settings, scene.home.git, attempts=1)
    await scene.crawl(source=lambda client: GitElseRest(git, scene.by_rest(client)))
    scene.github.fault("not_found", kind="git", path="/one")
    scene.github.forget_requests()
    states = await scene.crawl(source=lambda client: GitElseRest(git, scene.by_rest(client)))
    assert states == {"one": "not_found"}
    assert not scene.github.requests("rest")


async def test_rest_takes_over_where_git_got_through_once_and_does_not_any_more(scene):
    scene.add(one=2)
    for server_url, source in ((scene.github.server_url, "git"), ("http://127.0.0.1:1", "rest")):
        settings = github_settings(TOKEN, api_url=scene.github.api_url, server_url=server_url)
        git = GitHistory(settings, scene.home.git, attempts=1)
        await scene.crawl(source=lambda client, git=git: GitElseRest(git, scene.by_rest(client)), everything_again=True)
        assert scene.landing.commits.landed(1).source == source


async def test_git_that_works_is_kept_where_one_repository_fails(scene):
    scene.add(one=2, two=1)
    settings = github_settings(TOKEN, api_url=scene.github.api_url, server_url=scene.github.server_url)
    git = GitHistory(settings, scene.home.git, attempts=1)
    scene.github.fault("not_found", kind="git", path="/two")
    states = await scene.crawl(source=lambda client: GitElseRest(git, scene.by_rest(client)))
    assert states == {"one": "landed", "two": "not_found"}
    assert not scene.github.requests("rest")
    assert scene.landing.commits.landed(1).source == "git"


async def test_everything_again_reads_every_page_again(scene):
    scene.add(anvil=3, bolt=1)
    assert await scene.crawl() == {"anvil": "landed", "bolt": "landed"}
    scene.github.forget_requests()
    assert await scene.crawl() == {"anvil": "unchanged", "bolt": "unchanged"}
    tips = scene.asked("anvil")
    scene.github.forget_requests()
    assert await scene.crawl(unlisted=False, everything_again=True) == {"anvil": "landed", "bolt": "landed"}
    assert scene.asked("anvil") >= tips + 2
    assert scene.landing.commits.landed(1).commits == 3 * PAGE
