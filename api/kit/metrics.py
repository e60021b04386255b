"""What happened since the process started, as Prometheus reads it (text format 0.0.4)."""

import bisect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from api.kit.snapshot import SnapshotStore

MEDIA_TYPE = "text/plain; version=0.0.4"
BUCKETS = (0.005, 0.025, 0.1, 0.5, 2.5, 10.0)


@dataclass
class _Durations:
    """How long the answers of one route took."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS) + 1))
    total: float = 0.0


class Metrics:
    """Counts the answers. Only the event loop's thread does, so that nothing has to be locked."""

    def __init__(self) -> None:
        self._requests: dict[tuple[str, int], int] = {}
        self._durations: dict[str, _Durations] = {}

    def count(self, route: str, status: int, seconds: float) -> None:
        """One answer; ``route`` is a template, so that there are few of them whatever is asked for."""
        key = (route, status)
        self._requests[key] = self._requests.get(key, 0) + 1
        durations = self._durations.get(route)
        if durations is None:
            durations = self._durations[route] = _Durations()
        durations.counts[bisect.bisect_left(BUCKETS, seconds)] += 1
        durations.total += seconds

    def text(self, store: SnapshotStore) -> str:
        """All of it, with what there is to say about the snapshot."""
        return "\n".join([*self._of_requests(), *self._of_durations(), *_of_snapshot(store), ""])

    def _of_requests(self) -> Iterator[str]:
        name = "git_contrib_api_requests_total"
        yield from _head(name, "counter", "Answers by route and status.")
        for (route, status), number in sorted(self._requests.items()):
            yield _line(name, {"route": route, "status": status}, number)

    def _of_durations(self) -> Iterator[str]:
        name = "git_contrib_api_request_seconds"
        yield from _head(name, "histogram", "Seconds from a request to the end of its answer.")
        for route, durations in sorted(self._durations.items()):
            so_far = 0
            for bound, number in zip((*BUCKETS, "+Inf"), durations.counts, strict=True):
                so_far += number
                yield _line(f"{name}_bucket", {"route": route, "le": bound}, so_far)
            yield _line(f"{name}_sum", {"route": route}, round(durations.total, 6))
            yield _line(f"{name}_count", {"route": route}, so_far)


def _of_snapshot(store: SnapshotStore) -> Iterator[str]:
    lease = store.latest()
    yield from _head("git_contrib_api_snapshot_ready", "gauge", "1 when a snapshot can be served.")
    yield _line("git_contrib_api_snapshot_ready", {}, int(lease is not None))
    if lease is None:
        return
    details = lease.snapshot.details
    yield from _head("git_contrib_api_snapshot_info", "gauge", "The snapshot that is served.")
    labels = {"snapshot": details.snapshot_id, "complete_through": details.complete_through.isoformat()}
    yield _line("git_contrib_api_snapshot_info", labels, 1)
    now = datetime.now(UTC).replace(tzinfo=None)
    ages = {
        "git_contrib_api_snapshot_age_seconds": ("Seconds since its tables were last found current.", lease.checked_at),
        "git_contrib_api_snapshot_built_seconds": ("Seconds since it was built.", details.built_at),
    }
    for name, (text, since) in ages.items():
        yield from _head(name, "gauge", text)
        yield _line(name, {}, round((now - since).total_seconds(), 3))
    yield from _head("git_contrib_api_cache_bytes", "gauge", "Bytes that the answers kept may come to take.")
    yield _line("git_contrib_api_cache_bytes", {}, lease.snapshot.cache.size)


def _head(name: str, kind: str, text: str) -> Iterator[str]:
    yield f"# HELP {name} {text}"
    yield f"# TYPE {name} {kind}"


def _line(name: str, labels: Mapping[str, object], value: float) -> str:
    written = ",".join(f'{label}="{_quoted(str(text))}"' for label, text in labels.items())
    return f"{name}{{{written}}} {value}" if written else f"{name} {value}"


def _quoted(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
