"""Metrics for Prometheus, counted since the process started."""

from collections.abc import Iterator
from datetime import UTC, datetime

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, disable_created_metrics
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector

from api.kit.store import SnapshotStore

MEDIA_TYPE = CONTENT_TYPE_PLAIN_0_0_4
BUCKETS = (0.005, 0.025, 0.1, 0.5, 2.5, 10.0)


class Metrics:
    """The metrics of one app: its answers, its snapshot and its process."""

    def __init__(self, store: SnapshotStore) -> None:
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
        self._registry.register(_SnapshotCollector(store))
        ProcessCollector(registry=self._registry)

    def count(self, route: str, status: int, seconds: float) -> None:
        """Count one answer. ``route`` is the path template, so there are only a few different ones."""
        self._requests.labels(route, status).inc()
        self._seconds.labels(route).observe(seconds)

    def text(self) -> bytes:
        """All metrics in the text format of Prometheus."""
        return generate_latest(self._registry)


class _SnapshotCollector(Collector):
    """Describes the snapshot at the time of each scrape."""

    def __init__(self, store: SnapshotStore) -> None:
        self._store = store

    def collect(self) -> Iterator[GaugeMetricFamily]:
        lease = self._store.latest()
        ready = int(lease is not None)
        yield GaugeMetricFamily("git_contrib_api_snapshot_ready", "1 when a snapshot can be served.", ready)
        if lease is None:
            return
        details = lease.snapshot.details
        info = GaugeMetricFamily(
            "git_contrib_api_snapshot_info", "The snapshot that is served.", labels=["snapshot", "complete_through"]
        )
        info.add_metric([details.snapshot_id, details.complete_through.isoformat()], 1)
        yield info
        now = datetime.now(UTC).replace(tzinfo=None)
        yield GaugeMetricFamily(
            "git_contrib_api_snapshot_age_seconds",
            "Seconds since the tables were last checked and found current.",
            (now - lease.checked_at).total_seconds(),
        )
        yield GaugeMetricFamily(
            "git_contrib_api_snapshot_built_seconds",
            "Seconds since the snapshot was built.",
            (now - details.built_at).total_seconds(),
        )
        yield GaugeMetricFamily(
            "git_contrib_api_cache_bytes", "Memory reserved for cached answers, in bytes.", lease.snapshot.cache.size
        )
