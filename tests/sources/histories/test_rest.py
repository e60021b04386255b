"""The REST source by itself: what it makes of odd replies, what it asks, what it does where GitHub does not get it together."""

import asyncio
import threading
import traceback
from datetime import datetime
from email.utils import format_datetime

import httpx
import orjson
import pyarrow as pa
import pytest
from crawl_scene import listed
from fake_time import FakeTime
from github_scene import API, TOKEN, github_settings

from git_contrib_assets.errors import (
    HistoryCorrupt,
    HistoryIncomplete,
    HistoryUnavailable,
    LimitReached,
    RepositoryBlocked,
    RepositoryNotFound,
    TokenRefused,
)
from git_contrib_assets.sources.github.client import GitHubClient
from git_contrib_assets.sources.github.limits import Budget
from git_contrib_assets.sources.histories.cancellation import Cancellation
from git_contrib_assets.sources.histories.protocol import COMMIT_SCHEMA, Known
from git_contrib_assets.sources.histories.rest import RestHistory

ANVIL = listed(101, "acme/anvil")
at = datetime.fromisoformat


def sha(number):
    return f"{number:040x}"


def commit(number, **more):
    """A commit as GitHub lists it: the first has no parents, each other one the one before."""
    person = {"name": "Ann", "email": "ann@example.com", "date": "2020-05-10T12:00:00Z"}
    git = {"author": person, "committer": {**person, "name": "GitHub"}, "message": "m"}
    account = {"id": 11, "login": "ann", "type": "User"}
    parents = [{"sha": sha(number - 1)}] if number > 1 else []
    return {"sha": sha(number), "parents": parents, "commit": git, "author": account, **more}


def history_of(commits):
    """So many commits, newest first."""
    return [commit(number) for number in range(commits, 0, -1)]


class Far:
    """GitHub with a history of commits, newest first; ``odd`` answers first, and may answer nothing.

    With ``last`` false it does not link to the last page, with None to no page at all.
    """

    def __init__(self, commits, odd=lambda request: None, *, last=True):
        self.commits, self.odd, self.last, self.asked, self.headers = commits, odd, last, [], {}

    def __call__(self, request):
        self.asked.append(request.url)
        reply = self.odd(request)
        return self.page(request.url) if reply is None else reply

    def page(self, url):
        rows, number = int(url.params.get("per_page", 30)), int(url.params.get("page", 1))
        pages = max(1, -(-len(self.commits) // rows))
        others = {"next": number + 1, "last": pages} if number < pages else {}
        if self.last is None:
            others = {}
        elif not self.last:
            others.pop("last", None)
        link = ", ".join(f'<{url.copy_set_param("page", one)}>; rel="{name}"' for name, one in others.items())
        body = self.commits[(number - 1) * rows : number * rows]
        if "/compare/" in url.path:
            body = {"status": "ahead", "total_commits": len(self.commits), "commits": body}
        return httpx.Response(200, json=body, headers={**self.headers, **({"link": link} if link else {})})

    @property
    def pages(self):
        """Path, rows and page of each request."""
        return [(url.path.rpartition("/")[2], url.params["per_page"], url.params.get("page")) for url in self.asked]


async def reading(far, known=None, repository=ANVIL, cancellation=None, *, max_wait=3900.0):
    """The history and its rows, read as the crawl does: in a thread."""
    time = FakeTime()
    budget = Budget(max_wait=max_wait, clock=time, sleep=time.pass_over)
    async with GitHubClient(github_settings(TOKEN), budget, transport=httpx.MockTransport(far)) as client:
        source = RestHistory(client)

        def read():
            history = source.read(repository, cancellation=cancellation or Cancellation(), known=known)
            batches = list(history.batches)
            assert all(batch.schema == COMMIT_SCHEMA for batch in batches)
            return history, pa.Table.from_batches(batches, COMMIT_SCHEMA).to_pylist()

        return await asyncio.to_thread(read)


def problem(status, message="", **more):
    return httpx.Response(status, json={"message": message, **more})


# What a commit is


async def test_a_commit_as_it_is_written():
    merge = commit(3, parents=[{"sha": sha(2)}, {"sha": sha(1)}])
    _, (row, *_) = await reading(Far([merge, commit(2), commit(1)]))
    assert row == {
        "sha": sha(3),
        "parent_count": 2,
        "author_name": "Ann",
        "author_email": "ann@example.com",
        "authored_at": at("2020-05-10T12:00:00"),
        "committed_at": at("2020-05-10T12:00:00"),
    }


@pytest.mark.parametrize(
    ("author", "committer", "name", "authored", "committed"),
    [
        (None, None, "", "1970-01-01", "1970-01-01"),
        ({}, {}, "", "1970-01-01", "1970-01-01"),
        ({"name": "Ann"}, {"date": "2021-01-01T00:00:00Z"}, "Ann", "1970-01-01", "2021-01-01"),
        ({"name": None, "date": "2021-01-01T00:00:00Z"}, None, "", "2021-01-01", "1970-01-01"),
        (
            {"date": "2021-01-01T00:00:00.000000Z"},
            {"date": "2022-01-01T00:00:00.9Z"},
            "",
            "2021-01-01",
            "2022-01-01T00:00:00.9",
        ),
        ({"date": "2021-01-01T02:00:00+02:00"}, {"date": "2022-01-01T00:00:00Z"}, "", "2021-01-01", "2022-01-01"),
    ],
)
async def test_every_part_of_an_author_may_be_missing(author, committer, name, authored, committed):
    _, (row,) = await reading(Far([commit(1, commit={"author": author, "committer": committer})]))
    assert (row["author_name"], row["authored_at"], row["committed_at"]) == (name, at(authored), at(committed))


NEVER, THE_END = at("1970-01-01"), at("9999-12-31T23:59:59")


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("yesterday", NEVER),
        ("", NEVER),
        ("2021-13-45T00:00:00Z", NEVER),
        ("ann@example.com", NEVER),
        ("-0001-01-01T00:00:00Z", NEVER),
        ("1965-01-01T00:00:00Z", at("1965-01-01")),
        ("2100-01-01T00:00:00Z", at("2100-01-01")),
        ("2021-01-01T02:00:00+02:00", at("2021-01-01")),
        ("2021-01-01T00:00:00", at("2021-01-01")),
        ("9999-12-31T23:59:59Z", THE_END),
        ("9999-12-31T23:59:59-02:00", THE_END),
        ("9999-12-31T23:59:59.9Z", THE_END),
        ("10000-01-01T00:00:00Z", THE_END),
        ("+292277026596-12-04T15:30:08Z", THE_END),
        (f"{'9' * 5000}-01-01T00:00:00Z", THE_END),
    ],
)
@pytest.mark.parametrize("beside", [None, "10000-01-01T00:00:00Z"])
async def test_a_senseless_date_is_no_failure(written, moment, beside):
    """It is 1970, as by git, and the far future is the last second that a calendar knows; whatever is beside it."""
    person = {"name": "Ann", "date": written}
    odd = commit(2, commit={"author": person, "committer": person})
    _, (row, _) = await reading(Far([odd, commit(1, commit={"author": {"date": beside}, "committer": None})]))
    assert (row["authored_at"], row["committed_at"]) == (moment, moment)


async def test_names_and_addresses_are_cut_after_256_characters():
    """Those of the answers too: they are looked up by the address that lands."""
    person = {"name": "ë" * 300, "email": "a" * 300 + "@example.com", "date": None}
    account = {"id": 7, "login": "l" * 300}
    written = commit(1, commit={"author": person, "committer": None}, author=account)
    history, (row,) = await reading(Far([written]))
    assert (row["author_name"], row["author_email"]) == ("ë" * 256, "a" * 256)
    ((email, answer),) = history.answers.items()
    assert (email, answer.email, answer.login) == ("a" * 256, "a" * 256, "l" * 256)


async def test_what_is_learnt_is_dated_by_githubs_clock():
    """Ours may be ten years ahead."""
    moment = at("2023-05-06T07:08:09+00:00")
    far = Far([commit(1)])
    far.headers = {"date": format_datetime(moment, usegmt=True)}
    history, _ = await reading(far)
    assert [one.asked_at for one in history.answers.values()] == [moment.replace(tzinfo=None)]


@pytest.mark.parametrize(
    ("account", "identity"),
    [
        ({"id": 7, "login": "ann", "type": "User"}, 7),
        ({"id": 7, "login": "ann"}, 7),
        ({"id": 7, "login": "ann[bot]", "type": "Bot"}, None),
        ({"id": 7, "login": "ann", "type": "Mannequin"}, None),
        ({"id": 19864447, "login": "web-flow", "type": "User"}, None),
        ({"id": "7", "login": "ann", "type": "User"}, None),
        ({"id": True, "login": "ann", "type": "User"}, None),
        ({"id": 1 << 70, "login": "ann", "type": "User"}, None),
        ({"id": -7, "login": "ann", "type": "User"}, None),
        ({"id": 7, "login": ["ann"], "type": "User"}, 7),
        ({}, None),
        (None, None),
    ],
)
async def test_whose_address_it_is(account, identity):
    history, _ = await reading(Far([commit(1, author=account)]))
    (answer,) = history.answers.values()
    assert (answer.email, answer.account_id, answer.method) == ("ann@example.com", identity, "rest")


async def test_an_account_on_any_page_is_worth_more_than_nobody():
    commits = [commit(number, author=None) for number in range(300, 0, -1)]
    commits[120] = commit(180)
    history, _ = await reading(Far(commits))
    assert [one.account_id for one in history.answers.values()] == [11]


async def test_a_reply_that_does_not_tell_of_accounts_is_no_answer():
    silent = commit(1)
    del silent["author"]
    history, _ = await reading(Far([silent]))
    assert history.answers == {}


@pytest.mark.parametrize(
    "body",
    [
        {},
        [1],
        [None],
        [{}],
        [{"sha": sha(1)}],
        [commit(1, sha="main")],
        [commit(1, sha=sha(1).upper().replace("0", "A"))],
        [commit(1, sha=None)],
        [commit(1, parents=None)],
        [commit(1, parents=[{}])],
        [commit(1, parents=[{"sha": "main"}])],
        [commit(1, commit={"author": {"name": 5}})],
        [commit(1, commit="text")],
    ],
)
async def test_what_makes_no_sense_is_said_to_be_so(body):
    with pytest.raises(HistoryCorrupt, match=r"acme/anvil.*makes no sense"):
        await reading(Far([], lambda request: httpx.Response(200, json=body)))


async def test_what_is_no_json_makes_no_sense():
    with pytest.raises(HistoryCorrupt):
        await reading(Far([], lambda request: httpx.Response(200, text="<html>")))


# What is asked


@pytest.mark.parametrize(("commits", "requests"), [(1, 1), (99, 1), (100, 1), (101, 2), (1234, 13)])
async def test_a_new_repository_takes_a_request_per_page(commits, requests):
    far = Far(history_of(commits))
    history, rows = await reading(far)
    assert [row["sha"] for row in rows] == [one["sha"] for one in far.commits]
    assert history.tip == sha(commits)
    assert history.requests == len(far.asked) == requests
    assert far.asked[0].params.get("sha") is None  # the default branch, whatever it is called by now
    assert {url.params["sha"] for url in far.asked[1:]} <= {sha(commits)}
    assert not any("since" in url.params for url in far.asked)


async def test_nothing_new_takes_one_small_request():
    far = Far([commit(5)])
    history, rows = await reading(far, Known(sha(5), 400))
    assert (history.tip, rows, far.pages) == (sha(5), [], [("commits", "1", None)])


def tip_of(number, commits):
    """The reply about the tip of a history of so many commits."""

    def odd(request):
        if request.url.params["per_page"] != "1":
            return None
        link = f'<{API}/repositories/101/commits?per_page=1&page={commits}>; rel="last"'
        return httpx.Response(200, json=[commit(number)], headers={"link": link})

    return odd


async def test_only_what_is_new_is_asked_for():
    new = [commit(number) for number in range(401, 651)]
    far = Far(new, tip_of(650, 650))
    history, rows = await reading(far, Known(sha(400), 400))
    assert history.since == sha(400)
    assert [row["sha"] for row in rows] == [one["sha"] for one in new]
    compared = f"{sha(400)}...{sha(650)}"
    assert sorted(far.pages[1:]) == [(compared, "100", str(page)) for page in (1, 2, 3)]
    assert history.requests == 4


@pytest.mark.parametrize(
    "reply",
    [
        problem(404, "Not Found"),
        problem(422, "No common ancestor"),
        httpx.Response(200, json={"status": "diverged", "total_commits": 1, "commits": [commit(3)]}),
        httpx.Response(200, json={"status": "behind", "total_commits": 0, "commits": []}),
        httpx.Response(200, json={"status": "ahead", "total_commits": 2, "commits": [commit(2), commit(3)]}),
        httpx.Response(200, json={"status": "ahead", "commits": []}),
        httpx.Response(200, text="<html>"),
        httpx.Response(502),
    ],
)
async def test_where_the_landed_tip_is_no_ancestor_or_nobody_knows_everything_is_read(reply):
    def odd(request):
        return reply if "/compare/" in request.url.path else tip_of(3, 3)(request)

    history, rows = await reading(Far([commit(3), commit(2), commit(1)], odd), Known(sha(2), 2))
    assert history.since is None
    assert len(rows) == 3


async def test_fewer_new_commits_than_announced_are_noticed():
    def odd(request):
        if "/compare/" in request.url.path:
            return httpx.Response(200, json={"status": "ahead", "total_commits": 2, "commits": [commit(4)]})
        return tip_of(4, 4)(request)

    with pytest.raises(HistoryIncomplete, match=r"acme/anvil.*more or fewer") as caught:
        await reading(Far([], odd), Known(sha(2), 2))
    assert caught.value.requests == 2


async def test_where_the_last_page_is_not_told_the_next_is_followed():
    far = Far(history_of(250), last=False)
    history, rows = await reading(far)
    assert len({row["sha"] for row in rows}) == 250
    assert history.requests == len(far.asked) == 3 + 1


async def test_where_the_last_page_is_not_told_it_may_be_empty():
    """After exactly 200 commits GitHub cannot know of the next page that it holds none."""
    far = Far(history_of(200), last=False)

    def odd(request):
        if request.url.params.get("page") == "2":
            following = request.url.copy_set_param("page", 3)
            return httpx.Response(200, json=far.commits[100:], headers={"link": f'<{following}>; rel="next"'})
        return None

    far.odd = odd
    _, rows = await reading(far)
    assert len({row["sha"] for row in rows}) == 200


# Whether all is there


@pytest.mark.parametrize(("commits", "requests"), [(1, 1), (99, 1), (100, 1), (101, 3), (250, 4), (300, 4)])
async def test_without_any_link_everything_is_read(commits, requests):
    """What stands between may drop the header: only a commit without parents is the last."""
    far = Far(history_of(commits), last=None)
    history, rows = await reading(far)
    assert [row["sha"] for row in rows] == [one["sha"] for one in far.commits]
    assert history.requests == len(far.asked) == requests


@pytest.mark.parametrize("last", [True, False, None])
@pytest.mark.parametrize("cut", [40, 100, 150, 200])
async def test_a_history_that_is_cut_off_is_incomplete(last, cut):
    """Whatever its links say, and wherever it ends."""
    far = Far(history_of(250)[:cut], last=last)
    with pytest.raises(HistoryIncomplete, match=r"acme/anvil: .*parents") as caught:
        await reading(far)
    assert caught.value.requests == len(far.asked)


async def test_a_commit_that_is_missing_in_the_middle_is_noticed():
    """Another one is in its place, so that the number is right."""
    commits = history_of(250)
    commits[120] = commit(130, sha=sha(9999))
    with pytest.raises(HistoryIncomplete):
        await reading(Far(commits))


@pytest.mark.parametrize("told", [1, 2])
async def test_pages_beyond_the_last_that_was_told_are_asked_for(told):
    commits = history_of(250)

    def odd(request):
        if request.url.params.get("page"):
            return None
        link = f'<{request.url.copy_set_param("page", told)}>; rel="last"'
        return httpx.Response(200, json=commits[:100], headers={"link": link})

    far = Far(commits, odd)
    _, rows = await reading(far)
    assert [row["sha"] for row in rows] == [one["sha"] for one in commits]
    assert len(far.asked) == 3


async def test_a_server_that_gives_the_same_page_again_and_again_is_incomplete():
    """It does not know the parameter, or a cache before it does not."""
    commits = history_of(250)
    asked = []

    def first(request):
        asked.append(request.url)
        return httpx.Response(200, json=commits[:100])

    with pytest.raises(HistoryUnavailable, match=r"acme/anvil.*same page"):
        await reading(first)
    assert len(asked) <= 4


async def test_a_parent_that_comes_before_its_child_is_not_missing():
    """By odd dates: the second page holds a merge whose other parent stood on the first."""
    commits = history_of(200)
    for child in (2, 150):
        commits[child]["parents"].append({"sha": sha(5000)})
    commits.insert(3, commit(1, sha=sha(5000)))
    _, rows = await reading(Far(commits))
    assert len(rows) == 201


@pytest.mark.parametrize(
    "commits",
    [
        [commit(4), commit(6)],  # the one between is another
        [commit(5), commit(5)],
        [commit(5, parents=[{"sha": sha(3)}]), commit(6)],  # the landed tip is nobody's parent
        [],
    ],
)
async def test_what_is_new_must_join_what_is_landed(commits):
    """Two new commits on the landed tip 4, by what GitHub counts."""

    def odd(request):
        if "/compare/" in request.url.path:
            body = {"status": "ahead", "total_commits": 2, "commits": commits}
            return httpx.Response(200, json=body)
        return tip_of(6, 6)(request)

    with pytest.raises(HistoryIncomplete, match="acme/anvil"):
        await reading(Far([], odd), Known(sha(4), 4))


def untold(request):
    """The tip without a link that would tell how many commits there are."""
    return httpx.Response(200, json=[commit(6)]) if request.url.params["per_page"] == "1" else None


async def test_where_nobody_counts_new_commits_in_a_line_are_enough():
    far = Far([commit(5), commit(6)], untold)
    history, rows = await reading(far, Known(sha(4), 4))
    assert (history.since, len(rows), len(far.asked)) == (sha(4), 2, 2)


async def test_where_nobody_counts_other_parents_may_be_missing():
    """A second parent may be landed or not: the crawl then reads everything."""
    merge = commit(6, parents=[{"sha": sha(5)}, {"sha": sha(2)}])
    with pytest.raises(HistoryIncomplete):
        await reading(Far([commit(5), merge], untold), Known(sha(4), 4))


async def test_where_it_is_counted_other_parents_may_be_landed():
    merge = commit(6, parents=[{"sha": sha(5)}, {"sha": sha(2)}])
    _, rows = await reading(Far([commit(5), merge], tip_of(6, 6)), Known(sha(4), 4))
    assert len(rows) == 2


@pytest.mark.parametrize("link", ["https://[bad", f"{API}/x?page={'9' * 5000}", f"{API}/x?page=-1"])
async def test_a_link_that_makes_no_sense_tells_nothing(link):
    def odd(request):
        if request.url.params.get("page"):
            return None
        return httpx.Response(200, json=history_of(150)[:100], headers={"link": f'<{link}>; rel="last"'})

    _, rows = await reading(Far(history_of(150), odd))
    assert len(rows) == 150


# What is too much


async def test_a_page_that_is_too_much_comes_in_halves():
    commits = history_of(330)

    def odd(request):
        rows, page = int(request.url.params["per_page"]), int(request.url.params.get("page", 1))
        first, last = (page - 1) * rows, page * rows - 1
        return httpx.Response(502) if first <= 217 <= last and rows > 25 else None

    far = Far(commits, odd)
    _, rows = await reading(far)
    assert [row["sha"] for row in rows] == [one["sha"] for one in commits]
    assert {("commits", "50", "6"), ("commits", "25", "9"), ("commits", "25", "10")} <= set(far.pages)


async def test_a_first_page_that_is_too_much_comes_in_halves_too():
    far = Far(
        history_of(150),
        lambda request: httpx.Response(502) if request.url.params["per_page"] == "100" else None,
    )
    _, rows = await reading(far)
    assert len(rows) == 150


async def test_a_page_that_never_comes_is_given_up():
    far = Far(
        history_of(150),
        lambda request: httpx.Response(500) if request.url.params.get("page") else None,
    )
    with pytest.raises(HistoryUnavailable, match="acme/anvil"):
        await reading(far)


async def test_a_bounded_number_of_pages_is_on_the_way():
    """Nobody reads: no more than sixteen are asked for."""
    far = Far(history_of(9000))
    async with GitHubClient(github_settings(TOKEN), Budget(), transport=httpx.MockTransport(far)) as client:
        source = RestHistory(client)
        history = await asyncio.to_thread(lambda: source.read(ANVIL, cancellation=Cancellation()))
        await asyncio.to_thread(next, history.batches)
        await asyncio.sleep(0.05)
        assert len(far.asked) <= 20 + 16


# What becomes of failures


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (problem(404, "Not Found"), RepositoryNotFound),
        (problem(451, "Repository access blocked", block={"reason": "dmca"}), RepositoryBlocked),
        (problem(403, "Repository access blocked", block={"reason": "tos"}), RepositoryBlocked),
        (problem(403, "Resource not accessible by personal access token"), RepositoryBlocked),
        (problem(409, "Conflict"), HistoryUnavailable),
        (problem(410, "gone"), HistoryUnavailable),
        (httpx.Response(502), HistoryUnavailable),
        (httpx.Response(503), HistoryUnavailable),
    ],
)
async def test_what_a_status_means(reply, error):
    with pytest.raises(error, match="acme/anvil"):
        await reading(Far([], lambda request: reply))


async def test_no_connection_is_the_repositorys_failure():
    def refuse(request):
        raise httpx.ConnectError("refused")

    with pytest.raises(HistoryUnavailable):
        await reading(refuse)


@pytest.mark.parametrize("reply", [problem(409, "Git Repository is empty."), httpx.Response(200, json=[])])
async def test_an_empty_repository_is_none_that_failed(reply):
    history, rows = await reading(Far([], lambda request: reply))
    assert (history.tip, rows) == (None, [])


@pytest.mark.parametrize(("seconds", "requests"), [(9000, 1), (1, 20)])
async def test_a_limit_that_lasts_ends_all_reading(seconds, requests):
    """One that is too long, or that comes again and again."""
    far = Far([], lambda request: httpx.Response(403, headers={"retry-after": str(seconds)}))
    time = FakeTime()
    budget = Budget(clock=time, sleep=time.pass_over)
    async with GitHubClient(github_settings(TOKEN), budget, transport=httpx.MockTransport(far)) as client:
        source = RestHistory(client)

        def read():
            for _ in range(3):
                with pytest.raises(LimitReached):
                    source.read(ANVIL, cancellation=Cancellation())

        await asyncio.to_thread(read)
    assert len(far.asked) == requests


@pytest.mark.parametrize("early", [True, False])
async def test_a_cancelled_reading_ends_at_once(early):
    cancellation, waiting = Cancellation(), threading.Event()

    async def hang(request):
        waiting.set()
        await asyncio.Event().wait()

    class Hanging(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request):
            await hang(request)

    async with GitHubClient(github_settings(TOKEN), Budget(), transport=Hanging()) as client:
        source = RestHistory(client)
        if early:
            cancellation.cancel()
        thread = asyncio.create_task(asyncio.to_thread(source.read, ANVIL, cancellation=cancellation))
        if not early:
            assert await asyncio.to_thread(waiting.wait, 60)
            cancellation.cancel()
        with pytest.raises(HistoryUnavailable, match="interrupted"):
            await asyncio.wait_for(thread, 60)


@pytest.mark.parametrize(
    "author",
    [{"email": "ann@example.com", "name": 5}, {"email": ["ann@example.com"]}, {"ann@example.com": 1, "name": 5}],
)
async def test_no_address_and_no_token_is_in_an_error(author):
    """Nor in what caused it: a traceback shows that too."""
    bad = commit(1, commit={"author": author})
    with pytest.raises(HistoryCorrupt) as caught:
        await reading(Far([bad]))
    shown = "".join(traceback.format_exception(caught.value))
    assert "ann@" not in shown.replace(str(author), "")
    assert TOKEN not in shown
    assert orjson.dumps(str(caught.value))


@pytest.mark.parametrize("path", ["/commits", "/compare/"])
@pytest.mark.parametrize("message", ["Bad credentials", ""])
async def test_a_refused_token_is_not_the_repositorys_failure(path, message):
    """Whatever is asked, and even if GitHub gives no reason."""

    def odd(request):
        if path in request.url.path:
            return problem(401, message)
        return tip_of(6, 6)(request)

    with pytest.raises(TokenRefused):
        await reading(Far(history_of(6), odd), Known(sha(4), 4))


@pytest.mark.parametrize(
    ("odd", "requests"),
    [
        (lambda request: problem(404, "Not Found"), 1),
        (lambda request: httpx.Response(502), 2),
        (lambda request: problem(404, "Not Found") if request.url.params.get("page") == "2" else None, 3),
    ],
)
async def test_a_failure_tells_how_many_requests_were_made(odd, requests):
    with pytest.raises((RepositoryNotFound, HistoryUnavailable)) as caught:
        await reading(Far(history_of(250), odd))
    assert caught.value.requests == requests
