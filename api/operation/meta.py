"""``/v1/meta``, health, readiness, metrics, and the explanations of problems."""

from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import orjson
from fastapi import APIRouter, Query, Request, Response
from starlette.responses import PlainTextResponse

from api.contributors.definitions import DEFINITIONS, LICENCE
from api.contributors.parameters import STATES
from api.kit.answers import Answer
from api.kit.caching import serve
from api.kit.formats import json_answer, provenance
from api.kit.metrics import MEDIA_TYPE, Metrics
from api.kit.parameters import NoParameters
from api.kit.problems import KINDS, NOT_FOUND, ProblemError
from api.kit.snapshot import Lease
from api.operation import models

if TYPE_CHECKING:
    from api.kit.store import SnapshotStore

router = APIRouter()


@router.get(
    "/v1/meta",
    operation_id="get_meta",
    summary="The snapshot, what is in it and how complete it is",
    tags=["meta"],
    responses={200: {"model": models.Meta}},
)
async def get_meta(request: Request, _asked: Annotated[NoParameters, Query()]) -> Response:
    """Which snapshot is served, when it was built and last checked, which repositories are incomplete, and definitions."""
    root = request.scope.get("root_path", "")

    def build(lease: Lease) -> Answer:
        snapshot, details = lease.snapshot, lease.snapshot.details
        counted = {row["state"]: row["repositories"] for row in snapshot.rows("contributors/coverage")}
        content = {
            **provenance(lease),
            "built_at": details.built_at,
            "checked_at": lease.checked_at,
            "emails": details.emails,
            "emails_not_asked": details.emails_not_asked,
            "contract_version": details.contract_version,
            "rows": (rows := snapshot.row_counts()),
            "publications": [
                {
                    "name": snapshot.publication.name,
                    "version": snapshot.publication.version,
                    "snapshot": details.snapshot_id,
                    "rows": rows,
                    "lacks": snapshot.lacks,
                }
            ],
            "coverage": {
                "repositories": sum(counted.values()),
                "states": dict.fromkeys(STATES, 0) | counted,
                "not_complete": snapshot.rows("contributors/not_complete"),
            },
            "definitions": DEFINITIONS,
            "licence": LICENCE,
            "links": {
                "documentation": f"{root}/docs",
                "description": f"{root}/openapi.json",
                "new_contributors": f"{root}/v1/new-contributors",
                "summary": f"{root}/v1/new-contributors/summary",
                "repositories": f"{root}/v1/repositories",
                "people": f"{root}/v1/contributors/new",
            },
        }
        return json_answer(content)

    return await serve(request, build, tells_check=True)


@router.get(
    "/healthz",
    operation_id="get_health",
    summary="Is the process alive?",
    tags=["operation"],
    responses={200: {"model": models.Health}},
)
async def get_health() -> Response:
    """Always 200 while the process runs."""
    return _plain({"status": "ok"})


@router.get(
    "/readyz",
    operation_id="get_readiness",
    summary="Can a snapshot be served?",
    tags=["operation"],
    responses={200: {"model": models.Ready}},
)
async def get_readiness(request: Request) -> Response:
    """200 if a snapshot can be served, else 503 with the reason. The age of the snapshot does not matter: see /v1/meta.

    If the current snapshot cannot be read, the newest older one is served, and `problem` says why.
    """
    store: SnapshotStore = request.app.state.store
    async with store.lease() as lease:
        problem = {"problem": lease.problem} if lease.problem else {}
        return _plain({"status": "ready", "snapshot": lease.snapshot.details.snapshot_id, **problem})


@router.get(
    "/metrics",
    operation_id="get_metrics",
    summary="How many answers, how fast, and how old the snapshot is",
    tags=["operation"],
    response_class=PlainTextResponse,
)
async def get_metrics(request: Request) -> Response:
    """Metrics in the text format of Prometheus. It also answers, and says so, if there is no snapshot."""
    metrics: Metrics = request.app.state.metrics
    store: SnapshotStore = request.app.state.store
    # look for a new snapshot, because there may be no other requests
    with suppress(ProblemError):
        async with store.lease():
            pass
    return Response(metrics.text(), media_type=MEDIA_TYPE, headers={"Cache-Control": "no-store"})


@router.get("/problems/{name}", include_in_schema=False)
async def get_problem_kind(name: str) -> Response:
    """What the ``type`` of a problem means."""
    for kind in KINDS:
        if kind.name == name:
            content = {"type": kind.type, "title": kind.title, "status": kind.status, "meaning": kind.meaning}
            return _plain(content, cache_control="public, max-age=300")
    names = ", ".join(kind.name for kind in KINDS)
    raise ProblemError(NOT_FOUND, f"There is no such problem. The problems are {names}.")


def _plain(content: dict[str, object], cache_control: str = "no-store") -> Response:
    return Response(orjson.dumps(content), media_type="application/json", headers={"Cache-Control": cache_control})
