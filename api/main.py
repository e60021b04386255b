"""The application: ``uvicorn api.main:app``, or ``create_app`` with settings of one's own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio.to_thread
from fastapi import FastAPI

from api import description, problems
from api.caching import COMPRESS_FROM_BYTES
from api.metrics import Metrics
from api.middleware import DocumentationGzipMiddleware, EdgeMiddleware
from api.routes import chart, documentation, meta, new_contributors, page, people, repositories, seed
from api.settings import Settings
from api.snapshot import SnapshotStore
from api.static_files import VersionedStaticFiles


def create_app(settings: Settings) -> FastAPI:
    """The API over the snapshots that ``settings`` point to; there need not be one yet."""
    store = SnapshotStore(settings)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        # opened before the first request, so that this one does not wait for it
        await anyio.to_thread.run_sync(store.refresh)
        yield
        store.close()

    app = FastAPI(
        title=description.TITLE,
        summary=description.SUMMARY,
        description=description.DESCRIPTION,
        version=description.VERSION,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
    )
    app.state.settings = settings
    app.state.store = store
    app.state.metrics = Metrics()
    for module in (seed, chart, new_contributors, repositories, people, meta, documentation, page):
        app.include_router(module.router)
    app.mount("/static", VersionedStaticFiles(), name="static")
    problems.install(app)
    description.install(app)
    app.add_middleware(DocumentationGzipMiddleware, minimum_size=COMPRESS_FROM_BYTES, compresslevel=5)
    app.add_middleware(EdgeMiddleware)
    return app


app = create_app(Settings.from_environment())
