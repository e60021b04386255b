"""``/v1/meta``, health, readiness, metrics, and the explanations of problems."""

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any

import orjson
from fastapi import APIRouter, Query, Request, Response
from starlette.responses import PlainTextResponse

from api.contributors.definitions import DEFINITIONS, LICENCE
from api.contributors.parameters import STATES
from api.kit.answers import Answer
from api.kit.bearer import OPTIONAL_BEARER, SeesPrivate
from api.kit.caching import serve, serve_private
from api.kit.formats import json_answer, provenance
from api.kit.metrics import MEDIA_TYPE, Metrics
from api.kit.parameters import NoParameters
from api.kit.problems import KINDS, NOT_FOUND, ProblemError
from api.kit.snapshot import Lease, Snapshot
from api.operation import models

if TYPE_CHECKING:
    from api.kit.store import SnapshotStore

router = APIRouter()

LINKS = {
    "documentation": "/docs",
    "description": "/openapi.json",
    "new_contributors": "/v1/new-contributors",
    "summary": "/v1/new-contributors/summary",
    "repositories": "/v1/repositories",
    "people": "/v1/contributors/new",
}


@router.get(
    "/v1/meta",
    operation_id="get_meta",
    summary="The snapshot, what is in it and how complete it is",
    tags=["meta"],
    responses={200: {"model": models.Meta}},
    openapi_extra=OPTIONAL_BEARER,
)
async def get_meta(request: Request, _asked: Annotated[NoParameters, Query()], sees_private: SeesPrivate) -> Response:
    """Which snapshot is served, when it was built and last checked, which repositories are incomplete, and definitions.

    `publications` are all that is published; the private one is among them for whoever may see it.
    """
    state = request.app.state

    def build(lease: Lease, *others: Lease | None) -> Answer:
        return json_answer(_meta(lease, others, request.scope.get("root_path", "")))

    if sees_private:
        return await serve_private(request, build, state.store, beside=(state.catalogue, state.private_catalogue))
    return await serve(request, build, beside=(state.catalogue,), tells_check=True, by_bearer=True)


def _meta(lease: Lease, others: Sequence[Lease | None], root: str) -> dict[str, Any]:
    snapshot, details = lease.snapshot, lease.snapshot.counts
    counted = {row["state"]: row["repositories"] for row in snapshot.rows("contributors/coverage")}
    publications = [_publication(one.snapshot) for one in (lease, *others) if one is not None]
    return {
        **provenance(lease),
        "built_at": details.built_at,
        "checked_at": lease.checked_at,
        "emails": details.emails,
        "emails_not_asked": details.emails_not_asked,
        "contract_version": details.contract_version,
        "rows": publications[0]["rows"],
        "publications": publications,
        "coverage": {
            "repositories": sum(counted.values()),
            "states": dict.fromkeys(STATES, 0) | counted,
            "not_complete": snapshot.rows("contributors/not_complete"),
        },
        "definitions": DEFINITIONS,
        "licence": LICENCE,
        "links": {name: f"{root}{path}" for name, path in LINKS.items()},
    }


def _publication(snapshot: Snapshot) -> dict[str, Any]:
    return {
        "name": snapshot.publication.name,
        "version": snapshot.publication.version,
        "snapshot": snapshot.details.snapshot_id,
        "rows": snapshot.row_counts(),
        "lacks": snapshot.lacks,
    }


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
    """200 if any publication can be served, else 503 with the reason. Its age does not matter: see /v1/meta.

    If the current snapshot cannot be read, the newest older one is served, and `problem` says why.
    """
    stores: Sequence[SnapshotStore] = request.app.state.public_stores
    served: list[Lease] = []
    failed: list[ProblemError] = []
    for store in stores:
        try:
            async with store.lease() as lease:
                served.append(lease)
        except ProblemError as problem:
            failed.append(problem)
    if not served:
        raise failed[0]
    problems = [lease.problem for lease in served if lease.problem]
    content: dict[str, object] = {
        "status": "ready",
        "snapshot": served[0].snapshot.details.snapshot_id,
        "publications": {one.snapshot.publication.name: one.snapshot.details.snapshot_id for one in served},
        **({"problem": problems[0]} if problems else {}),
    }
    return _plain(content)


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
    # look for new snapshots, because there may be no other requests
    for store in request.app.state.public_stores:
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
