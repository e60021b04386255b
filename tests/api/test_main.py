"""The application as a whole: what it opens when it starts, and closes when it stops."""

import duckdb
import pytest

from api.contributors.opened import Opened
from api.main import create_app


async def test_the_snapshot_is_opened_before_the_first_request(published, settings, tables):
    """With what each subject keeps in memory; stopping closes it."""
    published.publish("one", tables)
    app = create_app(settings)
    store = app.state.store
    assert store.latest() is None
    async with app.router.lifespan_context(app):
        snapshot = store.latest().snapshot
        assert snapshot.details.snapshot_id == "one"
        assert snapshot.opened(Opened).named("acme/fork")
    with pytest.raises(duckdb.Error):
        snapshot.rows("kit/snapshot")


async def test_it_starts_without_a_snapshot(settings):
    """It serves the first one when it is published."""
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        assert app.state.store.latest() is None
