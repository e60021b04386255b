"""Rate limits as GitHub keeps them: one bucket per person and kind of request."""

import math
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from github_stand_in.world import TokenHolder

Resource = Literal["core", "graphql"]

RESOURCES: tuple[Resource, ...] = ("core", "graphql")
ANONYMOUS = "anonymous"
SECONDARY_WINDOW_SECONDS = 60.0


@dataclass(slots=True)
class LimitSettings:
    """How much is allowed in a window, and per minute if a secondary limit is set: GitHub's are 900 and 2,000 points.

    A GET and a GraphQL query cost one point each, also `/rate_limit`. REST and GraphQL are counted separately.
    """

    core: int = 5_000
    graphql: int = 5_000
    anonymous: int = 60
    window: float = 3_600.0
    points_per_minute: int | None = None
    graphql_points_per_minute: int | None = None
    secondary_retry_after: int = 60


@dataclass(slots=True)
class Bucket:
    """What is left in the current window of one person."""

    limit: int
    reset: int
    used: int = 0
    refused: int = 0

    @property
    def remaining(self) -> int:
        """Points left."""
        return max(self.limit - self.used, 0)

    def headers(self, resource: Resource) -> dict[str, str]:
        """The five headers that go with every answer."""
        return {
            "x-ratelimit-limit": str(self.limit),
            "x-ratelimit-remaining": str(self.remaining),
            "x-ratelimit-reset": str(self.reset),
            "x-ratelimit-used": str(min(self.used, self.limit)),
            "x-ratelimit-resource": resource,
        }


@dataclass(slots=True)
class Counters:
    """What a client did about its limits."""

    refused_primary: int = 0
    refused_secondary: int = 0
    sent_while_limited: int = 0
    in_flight: int = 0
    most_in_flight: int = 0


@dataclass(slots=True)
class Limits:
    """All buckets. Limits belong to a person: two tokens of the same login share theirs."""

    settings: LimitSettings = field(default_factory=LimitSettings)
    counters: Counters = field(default_factory=Counters)
    clock: Callable[[], float] = time.time
    _buckets: dict[tuple[str, Resource], Bucket] = field(default_factory=dict)
    _limited_until: dict[tuple[str, str], float] = field(default_factory=dict)
    _recent: dict[tuple[str, Resource], deque[float]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @staticmethod
    def _who(caller: TokenHolder | None) -> str:
        return caller.login.lower() if caller else ANONYMOUS

    def bucket(self, caller: TokenHolder | None, resource: Resource) -> Bucket:
        """The current window; a new one opens when the last is over."""
        key = (self._who(caller), resource)
        now = self.clock()
        with self._lock:
            bucket = self._buckets.get(key)
            if bucket is None or now >= bucket.reset:
                limit = self.settings.graphql if resource == "graphql" else self.settings.core
                limit = limit if caller else min(limit, self.settings.anonymous)
                bucket = self._buckets[key] = Bucket(limit, math.ceil(now + self.settings.window))
            return bucket

    def take(self, caller: TokenHolder | None, resource: Resource) -> bool:
        """Take one point; false if no point is left."""
        bucket = self.bucket(caller, resource)
        with self._lock:
            if bucket.used < bucket.limit:
                bucket.used += 1
                return True
            bucket.refused += 1
            self.counters.refused_primary += 1
            self._limited_until[self._who(caller), resource] = float(bucket.reset)
            return False

    def charge(self, caller: TokenHolder | None, resource: Resource, points: int) -> None:
        """Take further points, or give them back: a 304 costs nothing."""
        bucket = self.bucket(caller, resource)
        with self._lock:
            bucket.used = max(bucket.used + points, 0)

    def take_secondary(self, caller: TokenHolder | None, resource: Resource) -> bool:
        """Take one point of the last minute; false if all are used up."""
        settings = self.settings
        points = settings.graphql_points_per_minute if resource == "graphql" else settings.points_per_minute
        if points is None:
            return True
        now = self.clock()
        with self._lock:
            recent = self._recent.setdefault((self._who(caller), resource), deque())
            while recent and recent[0] <= now - SECONDARY_WINDOW_SECONDS:
                recent.popleft()
            if len(recent) < points:
                recent.append(now)
                return True
        return False

    def refuse_secondary(self, caller: TokenHolder | None, seconds: float) -> None:
        """Remember that somebody was told to wait."""
        with self._lock:
            self.counters.refused_secondary += 1
            self._limited_until[self._who(caller), "secondary"] = self.clock() + seconds

    def arrived(self, caller: TokenHolder | None, resource: Resource) -> None:
        """Note a request, also whether its sender had been told to wait."""
        now, who = self.clock(), self._who(caller)
        with self._lock:
            self.counters.in_flight += 1
            self.counters.most_in_flight = max(self.counters.most_in_flight, self.counters.in_flight)
            if any(now < self._limited_until.get((who, kind), 0.0) for kind in (resource, "secondary")):
                self.counters.sent_while_limited += 1

    def left(self) -> None:
        """Note that a request was answered."""
        with self._lock:
            self.counters.in_flight -= 1

    def configure(self, **changes: Any) -> None:
        """Change settings; all windows start again."""
        with self._lock:
            for name, value in changes.items():
                if name not in self.settings.__slots__:
                    raise ValueError(f"there is no limit called {name!r}")
                setattr(self.settings, name, value)
            self._buckets.clear()
            self._limited_until.clear()
            self._recent.clear()
            self.counters = Counters(in_flight=self.counters.in_flight)

    def describe(self) -> dict[str, Any]:
        """Settings and counters."""
        return {**asdict(self.settings), **asdict(self.counters)}
