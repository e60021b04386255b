"""The application: ``uvicorn api.main:app``, or ``create_app`` with settings of one's own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio.to_thread
from fastapi import FastAPI
from starlette.staticfiles import StaticFiles

from api import description, problems
from api.caching import COMPRESS_FROM_BYTES
from api.middleware import DocumentationGzipMiddleware, EdgeMiddleware
from api.routes import documentation, meta, new_contributors, repositories, seed
from api.settings import Settings
from api.snapshot import SnapshotStore


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
    app.state.store = store
    for module in (seed, new_contributors, repositories, meta, documentation):
        app.include_router(module.router)
    app.mount("/static", StaticFiles(directory=Path(__file__).parent / "static"), name="static")
    problems.install(app)
    description.install(app)
    app.add_middleware(DocumentationGzipMiddleware, minimum_size=COMPRESS_FROM_BYTES, compresslevel=5)
    app.add_middleware(EdgeMiddleware)
    return app


app = create_app(Settings.from_environment())
