"""The application: ``uvicorn api.main:app``, or ``create_app`` with other settings."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio.to_thread
from fastapi import FastAPI

from api.contributors import chart, legacy, new_contributors, people, repositories
from api.contributors.opened import Opened
from api.kit import description, problems
from api.kit.caching import COMPRESS_FROM_BYTES
from api.kit.metrics import Metrics
from api.kit.middleware import DocumentationGzipMiddleware, EdgeMiddleware
from api.kit.settings import Settings
from api.kit.store import SnapshotStore
from api.operation import documentation, meta
from api.page import page
from api.page.static_files import VersionedStaticFiles
from git_contrib_assets.serving.contract import contributors


def create_app(settings: Settings) -> FastAPI:
    """The API for the snapshots that ``settings`` point to. It starts without a snapshot, too."""
    store = SnapshotStore(settings, contributors.PUBLICATION, hooks=(Opened,))

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        # before the first request, so that it does not have to wait
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
    app.state.metrics = Metrics(store)
    for module in (chart, new_contributors, repositories, people, meta, documentation, page, legacy):
        app.include_router(module.router)
    app.mount("/static", VersionedStaticFiles(), name="static")
    problems.install(app)
    description.install(app)
    app.add_middleware(DocumentationGzipMiddleware, minimum_size=COMPRESS_FROM_BYTES, compresslevel=5)
    app.add_middleware(EdgeMiddleware)
    return app


app = create_app(Settings.from_environment())
