"""What is read when a snapshot is opened."""

import asyncio
from functools import partial

import httpx
import pytest

from api.contributors.opened import MONTHS, Opened
from api.kit import queries
from api.kit.settings import Settings
from api.kit.store import SnapshotStore
from api.main import create_app
from git_contrib_assets.serving.contract.contributors import PUBLICATION

SECONDS = 1.0
# for what is not about that bound: a machine that halts for a moment must not reach it
PATIENCE = 120.0


@pytest.mark.parametrize(
    ("bounds", "select"),
    [
        ({"query_seconds": SECONDS}, "select sum(a.range * b.range) as day from range(1000000) a, range(1000000) b"),
        ({"query_bytes": 24 * 1024 * 1024}, "select list(range) as day from range(100000000)"),
    ],
    ids=["time", "memory"],
)
async def test_series_that_take_too_long_to_load_are_queried(published, tables, problem_of, until_open, bounds, select):
    """The snapshot is served all the same, and each series is what it would be."""
    published.publish("one", tables)
    answers = []
    for months, bounded in ((queries.select(MONTHS), {}), (select, bounds)):
        settings = Settings(published=published.folder, **{"query_seconds": PATIENCE} | bounded)
        app = create_app(settings)
        app.state.store = SnapshotStore(settings, PUBLICATION, hooks=[partial(Opened, months=months)])
        await until_open(app.state.store)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
            async with asyncio.timeout(PATIENCE):
                while (answer := await client.get("/v1/repositories/acme/anvil/new-contributors")).status_code == 503:
                    problem_of(answer, 503, "query-too-slow")  # the short bound holds for what is queried, too
        assert (app.state.store.latest().snapshot.opened(Opened).series is None) == (months == select)
        answers.append((answer.status_code, answer.json()["items"]))
        app.state.store.close()
    assert answers[0] == answers[1]
    assert answers[0][0] == 200
