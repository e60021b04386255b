"""The application: ``uvicorn api.main:app``, or ``create_app`` with other settings."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio.to_thread
from fastapi import FastAPI

from api.catalogue import exports, owners
from api.contributors import chart, legacy, new_contributors, people
from api.contributors import repositories as series
from api.contributors.opened import Opened
from api.kit import description, problems
from api.kit.caching import COMPRESS_FROM_BYTES
from api.kit.metrics import Metrics
from api.kit.middleware import DocumentationGzipMiddleware, EdgeMiddleware
from api.kit.settings import Settings
from api.kit.store import SnapshotStore
from api.operation import documentation, meta
from api.page import catalogue as catalogue_page
from api.page import page
from api.page.static_files import VersionedStaticFiles
from api.repositories import routes as repositories
from git_contrib_assets.serving.contract import catalogue, contributors

CATALOGUE_COMMAND = "git-contrib catalogue"
# in the order in which addresses are looked for
ROUTES = (
    chart,
    new_contributors,
    repositories,
    series,
    people,
    owners,
    exports,
    meta,
    documentation,
    page,
    catalogue_page,
    legacy,
)


def create_app(settings: Settings) -> FastAPI:
    """The API for the snapshots that ``settings`` point to. It starts without a snapshot, too.

    What is not public is opened only by a server that has a token.
    """
    limiter = anyio.CapacityLimiter(settings.concurrent_queries)
    counted = SnapshotStore(settings, contributors.PUBLICATION, hooks=(Opened,), limiter=limiter)
    listed = SnapshotStore(settings, catalogue.PUBLICATION, limiter=limiter, made_by=CATALOGUE_COMMAND)
    private = SnapshotStore(settings, catalogue.PRIVATE_PUBLICATION, limiter=limiter, made_by=CATALOGUE_COMMAND)
    stores = (counted, listed, *([private] if settings.token else []))

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        # before the first request, so that it does not have to wait
        for store in stores:
            await anyio.to_thread.run_sync(store.refresh)
        yield
        for store in stores:
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
    # what answers are made from unless their route says otherwise
    app.state.store = counted
    app.state.catalogue, app.state.private_catalogue = listed, private if settings.token else None
    app.state.public_stores = (counted, listed)
    app.state.metrics = Metrics(app.state.public_stores)
    for module in ROUTES:
        app.include_router(module.router)
    app.mount("/static", VersionedStaticFiles(), name="static")
    problems.install(app)
    description.install(app)
    app.add_middleware(DocumentationGzipMiddleware, minimum_size=COMPRESS_FROM_BYTES, compresslevel=5)
    app.add_middleware(EdgeMiddleware)
    return app


app = create_app(Settings.from_environment())
