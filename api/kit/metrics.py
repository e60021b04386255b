"""Metrics for Prometheus, counted since the process started."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, disable_created_metrics
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector

from api.kit.snapshot import Lease
from api.kit.store import SnapshotStore

MEDIA_TYPE = CONTENT_TYPE_PLAIN_0_0_4
BUCKETS = (0.005, 0.025, 0.1, 0.5, 2.5, 10.0)


class Metrics:
    """The metrics of one app: its answers, its snapshot and its process."""

    def __init__(self, stores: Sequence[SnapshotStore]) -> None:
        """``stores``: the public ones; the snapshot of the first is described in detail."""
        # otherwise each counter gets a second series with its time of creation
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "git_contrib_api_requests", "Answers by route and status.", ["route", "status"], registry=self._registry
        )
        self._seconds = Histogram(
            "git_contrib_api_request_seconds",
            "Seconds from the request to the end of the answer.",
            ["route"],
            buckets=BUCKETS,
            registry=self._registry,
        )
        self._registry.register(_SnapshotCollector(stores))
        ProcessCollector(registry=self._registry)

    def count(self, route: str, status: int, seconds: float) -> None:
        """Count one answer. ``route`` is the path template, so there are only a few different ones."""
        self._requests.labels(route, status).inc()
        self._seconds.labels(route).observe(seconds)

    def text(self) -> bytes:
        """All metrics in the text format of Prometheus."""
        return generate_latest(self._registry)


class _SnapshotCollector(Collector):
    """Describes the snapshots at the time of each scrape."""

    def __init__(self, stores: Sequence[SnapshotStore]) -> None:
        self._stores = stores

    def collect(self) -> Iterator[GaugeMetricFamily]:
        leases = {store.publication.name: store.latest() for store in self._stores}
        served = [lease for lease in leases.values() if lease is not None]
        yield GaugeMetricFamily("git_contrib_api_snapshot_ready", "1 when a snapshot can be served.", int(bool(served)))
        first = leases[self._stores[0].publication.name]
        if first is not None:
            yield from _about(first)
        yield from _about_each(leases)
        if served:
            size = sum(lease.snapshot.cache.size for lease in served)
            yield GaugeMetricFamily(
                "git_contrib_api_cache_bytes", "Memory reserved for cached answers, in bytes.", size
            )


def _about(lease: Lease) -> Iterator[GaugeMetricFamily]:
    """The snapshot of the counts."""
    details = lease.snapshot.counts
    info = GaugeMetricFamily(
        "git_contrib_api_snapshot_info", "The snapshot that is served.", labels=["snapshot", "complete_through"]
    )
    info.add_metric([details.snapshot_id, details.complete_through.isoformat()], 1)
    yield info
    yield GaugeMetricFamily(
        "git_contrib_api_snapshot_age_seconds",
        "Seconds since the tables were last checked and found current.",
        _seconds_since(lease.checked_at),
    )
    yield GaugeMetricFamily(
        "git_contrib_api_snapshot_built_seconds",
        "Seconds since the snapshot was built.",
        _seconds_since(details.built_at),
    )


def _about_each(leases: Mapping[str, Lease | None]) -> Iterator[GaugeMetricFamily]:
    """Each publication by its name."""
    ready = GaugeMetricFamily(
        "git_contrib_api_publication_ready", "1 when the publication can be served.", labels=["publication"]
    )
    age = GaugeMetricFamily(
        "git_contrib_api_publication_age_seconds",
        "Seconds since the publication's tables were last checked and found current.",
        labels=["publication"],
    )
    for name, lease in leases.items():
        ready.add_metric([name], int(lease is not None))
        if lease is not None:
            age.add_metric([name], _seconds_since(lease.checked_at))
    yield from (ready, age)


def _seconds_since(moment: datetime) -> float:
    return (datetime.now(UTC).replace(tzinfo=None) - moment).total_seconds()
