"""GitHub's limits: how to tell them apart, and one budget that all requests of the process share.

The order in which a reply is judged is GitHub's own advice on rate limits (docs.github.com, "Best
practices for using the REST API") with what its official clients add; every row has a test.
"""

import asyncio
import math
import random
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any

from git_contrib_assets.errors import LimitReached
from git_contrib_assets.sources.github.authorisation import HOW_TO_SIGN_IN

SECONDARY_SECONDS = 60.0
COMPUTING_SECONDS = 30.0
# GitHub allows 900 and 2,000 points a minute; a GET and a query are one point each. The rest is a margin: some endpoints
# cost more than is told, and other programs of the same person count too.
REST_POINTS_PER_MINUTE = 800
GRAPHQL_POINTS_PER_MINUTE = 1800
_PACING_SECONDS = 60.0
_PACING_WORTH_A_LINE = 5.0
_SECONDARY_TEXTS = (
    "secondary rate limit",
    "please wait a few minutes before you try again",
    "please retry your request again later",
)
_SECONDARY_LINKS = ("#abuse-rate-limits", "secondary-rate-limits")
_PRIMARY_TYPES = {
    "RATE_LIMITED",
    "RATE_LIMIT",
}  # the second says "already exceeded"; GitHub's documentation knows the first
_LONGEST_WINDOW_SECONDS = 86400.0  # GitHub's are an hour: a header with more than a day makes no sense


class Meaning(StrEnum):
    """What a reply means for the client."""

    FINAL = "final"
    PRIMARY_LIMIT = "primary limit"
    SECONDARY_LIMIT = "secondary limit"
    COMPUTING = "being computed"
    TRY_AGAIN = "server error"
    BAD_CREDENTIALS = "bad credentials"
    UNAUTHORISED = "unauthorised"


@dataclass(frozen=True)
class Verdict:
    """A reply's meaning; ``seconds`` to wait if GitHub tells them, else None."""

    meaning: Meaning
    seconds: float | None = None


def judge(status: int, headers: Mapping[str, str], body: Any, *, now: float) -> Verdict:
    """Decide what a reply means. ``headers`` is case-insensitive or lower-cased, ``body`` parsed JSON or None, ``now`` epoch seconds."""
    message = _message(body).lower()
    link = str(body.get("documentation_url", "")) if isinstance(body, dict) else ""
    limit_status = status in {403, 429}
    limited_query = status == 200 and not error_types(body).isdisjoint(_PRIMARY_TYPES)
    says_secondary = any(text in message for text in _SECONDARY_TEXTS) or link.endswith(_SECONDARY_LINKS)
    # GraphQL may say so with status 200 (GitHub's documentation): then there are errors, or there is no data.
    refused = limit_status or (says_secondary and status == 200 and (bool(error_types(body)) or "data" not in body))
    retry_after = _retry_after(headers, now)

    if refused and retry_after is not None:
        return Verdict(Meaning.SECONDARY_LIMIT, retry_after)
    if limited_query or (
        limit_status and (headers.get("x-ratelimit-remaining") == "0" or "api rate limit exceeded" in message)
    ):
        return Verdict(Meaning.PRIMARY_LIMIT, _until_reset(headers, now))
    if says_secondary and refused:
        return Verdict(Meaning.SECONDARY_LIMIT)
    if status == 429:
        return Verdict(Meaning.SECONDARY_LIMIT)
    if status == 403 and "login attempt" in message:
        return Verdict(Meaning.BAD_CREDENTIALS)
    if status == 401:
        return Verdict(Meaning.BAD_CREDENTIALS if "bad credentials" in message else Meaning.UNAUTHORISED)
    if status == 202:
        return Verdict(Meaning.COMPUTING, COMPUTING_SECONDS)
    if status >= 500:
        return Verdict(Meaning.TRY_AGAIN, retry_after)
    return Verdict(Meaning.FINAL)


def error_types(body: Any) -> set[str]:
    """The types of a GraphQL reply's errors."""
    errors = body.get("errors") if isinstance(body, dict) else None
    if not isinstance(errors, list):
        return set()
    return {str(error.get("type")) for error in errors if isinstance(error, dict)}


def _message(body: Any) -> str:
    if not isinstance(body, dict):
        return ""
    errors = body.get("errors")
    texts = (
        [str(error.get("message", "")) for error in errors if isinstance(error, dict)]
        if isinstance(errors, list)
        else []
    )
    return " ".join([str(body.get("message", "")), *texts]).strip()


def _retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds, or a date (RFC 9110 allows both); a header that is blank, makes no sense or lies in the past counts as absent."""
    text = headers.get("retry-after", "")
    seconds = _number(text)
    if seconds is None:
        moment = _moment(text)
        seconds = moment - server_time(headers, now) if moment is not None else 0.0
    return seconds if seconds > 0 else None


def _until_reset(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds to the reset by the server's own clock, and one more: in which second it resets is unclear."""
    reset = _number(headers.get("x-ratelimit-reset"))
    if reset is None:
        return None
    return max(0.0, reset - server_time(headers, now)) + 1.0


def server_time(headers: Mapping[str, str], now: float) -> float:
    """The server's clock as its Date header tells it, else ours (epoch seconds)."""
    moment = _moment(headers.get("date", ""))
    return now if moment is None else moment


def _moment(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError):
        return None


def _number(text: str | None) -> float | None:
    try:
        number = float(text) if text else math.nan
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _clock_time(moment: float) -> str:
    try:
        return datetime.fromtimestamp(moment).astimezone().strftime("%H:%M:%S")
    except (ValueError, OverflowError, OSError):
        return "a time that no calendar knows"


@dataclass
class Bucket:
    """What GitHub last said of one of its budgets, and what is on its way there."""

    limit: int | None = None
    remaining: int | None = None
    reset_at: float = 0.0
    in_flight: int = 0
    _window: float = 0.0  # its end by the server's clock: by ours it moves with the time that a reply was on its way

    def learn(self, headers: Mapping[str, str], now: float) -> None:
        """Take over the headers of a reply.

        Replies overtake each other: within a window the smallest number counts, and one of the window before says nothing.
        """
        limit, remaining, reset = (
            _number(headers.get(f"x-ratelimit-{name}")) for name in ("limit", "remaining", "reset")
        )
        if not limit or remaining is None or reset is None:
            return  # Enterprise Server without limits says none, or zero of zero
        seconds = reset - server_time(headers, now)
        reset_at = now + seconds
        late = reset < self._window - 2.0 and now <= self.reset_at
        if seconds > _LONGEST_WINDOW_SECONDS or late:
            return
        same_window = abs(reset - self._window) < 2.0 and self.remaining is not None
        self.remaining = min(self.remaining or 0, int(remaining)) if same_window else int(remaining)
        self.limit, self.reset_at, self._window = int(limit), max(reset_at, self.reset_at), reset

    def seconds_until_free(self, now: float) -> float:
        """How long until a request may be sent, as far as this budget goes."""
        if self.remaining is None or now > self.reset_at + 1.0 or self.remaining - self.in_flight > 0:
            return 0.0
        return self.reset_at + 1.0 - now


@dataclass(frozen=True)
class Allowance:
    """What GitHub still allows until its window ends: ``requests`` of ``limit``, within ``seconds``."""

    requests: int
    limit: int
    seconds: float
    until: str


@dataclass
class Budget:
    """One for the process: the limits are per user, so when one call is limited, everything pauses.

    ``max_wait`` bounds every single wait, in seconds; ``on_wait`` gets a line for each.
    """

    max_wait: float = 3900.0
    on_wait: Callable[[str], None] = lambda _: None
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    anonymous: bool = False
    """Whether requests are sent without a token: then one would help."""
    requests: int = 0
    seconds_waited: float = 0.0
    retries: int = 0
    """Requests that were sent again because no usable reply came."""
    buckets: dict[str, Bucket] = field(default_factory=dict)
    _paused_until: float = 0.0
    _pause_cause: str = ""
    _announced: float = 0.0
    _secondary_in_a_row: int = 0
    _ahead: float = 0.0
    _answered: dict[str, deque[float]] = field(default_factory=dict)

    async def acquire(self, resource: str) -> None:
        """Wait until a request of this kind (``core`` or ``graphql``) may be sent, and count it as sent.

        Raises LimitReached when that is further away than ``max_wait``.
        """
        bucket = self.buckets.setdefault(resource, Bucket())
        while True:
            now = self.clock()
            per_minute = GRAPHQL_POINTS_PER_MINUTE if resource == "graphql" else REST_POINTS_PER_MINUTE
            pacing = self._seconds_until_paced(resource, per_minute, now)
            seconds, cause = max(
                (self._paused_until - now, self._pause_cause),
                (bucket.seconds_until_free(now), f"GitHub's {resource} budget is used up"),
                (pacing, f"{per_minute} requests in the last minute"),
            )
            if seconds <= 0:
                break
            # At an even pace each request waits a moment: only the long waits are worth a line.
            await self.wait(seconds, cause, silently=seconds == pacing < _PACING_WORTH_A_LINE)
        bucket.in_flight += 1
        self.requests += 1

    def release(self, resource: str, headers: Mapping[str, str] | None) -> None:
        """The request was answered, with these headers, or was not (None)."""
        bucket, now = self.buckets[resource], self.clock()
        bucket.in_flight -= 1
        self._answered.setdefault(resource, deque()).append(now)
        if headers is not None:
            named = headers.get("x-ratelimit-resource") or resource
            self.buckets.setdefault(named, Bucket()).learn(headers, now)
            self._ahead = server_time(headers, now + self._ahead) - now

    def github_time(self) -> float:
        """What GitHub's clock shows (epoch seconds), as the last reply told it; ours before the first."""
        return self.clock() + self._ahead

    def _seconds_until_paced(self, resource: str, per_minute: int, now: float) -> float:
        """How long until the points of a minute leave room for one more request.

        A request counts until a minute after its reply: GitHub counts from when it arrived there, which is before that.
        """
        answered = self._answered.setdefault(resource, deque())
        while answered and not now - _PACING_SECONDS < answered[0] <= now:  # long ago, or our clock was set back
            answered.popleft()
        if self.buckets[resource].in_flight + len(answered) < per_minute:
            return 0.0
        return (answered[0] if answered else now) + _PACING_SECONDS - now

    def succeeded(self) -> None:
        """A request went through: the next secondary limit starts small again, unless the request was sent before the pause."""
        if self.clock() >= self._paused_until:
            self._secondary_in_a_row = 0

    def limited(self, verdict: Verdict) -> None:
        """Pause everything for as long as GitHub says, else for a minute at least, twice as long each time (GitHub's rule)."""
        seconds = verdict.seconds
        now = self.clock()
        if seconds is None:
            already_paused = self._paused_until > now
            if not already_paused:
                self._secondary_in_a_row += 1
            seconds = SECONDARY_SECONDS * 2 ** max(0, self._secondary_in_a_row - 1) * random.uniform(1.0, 1.1)  # noqa: S311
            if already_paused:
                return  # the others that were in flight tell us nothing new
        if now + seconds > self._paused_until:
            self._paused_until, self._pause_cause = now + seconds, f"GitHub's {verdict.meaning}"

    async def wait(self, seconds: float, cause: str, *, silently: bool = False) -> None:
        """Sleep, saying why and until when; each end is said once.

        Raises LimitReached at once when that is longer than ``max_wait``.
        """
        until = self.clock() + seconds
        clock_time = _clock_time(until)
        if seconds > self.max_wait:
            raise LimitReached(
                f"{cause}: it lifts at {clock_time}, in {seconds:.0f} s, longer than --max-wait allows; "
                f"{self.advice}; finished repositories are kept",
                seconds=seconds,
            )
        if not silently and abs(until - self._announced) > 1.0:
            self._announced = until
            self.seconds_waited += seconds
            self.on_wait(
                f"{cause}: next request at {clock_time} (in {seconds:.0f} s); safe to stop, what is finished is kept"
            )
        await self.sleep(seconds)

    @property
    def advice(self) -> str:
        """What to do about a limit that lasts longer than ``max_wait``."""
        return f"run again then, or {HOW_TO_SIGN_IN}" if self.anonymous else "run again then"

    def allowance(self, resource: str) -> Allowance | None:
        """What may still be sent before a new window begins; None if GitHub did not tell, or that window is over."""
        bucket, now = self.buckets.get(resource), self.clock()
        if bucket is None or bucket.remaining is None or now > bucket.reset_at + 1.0:
            return None
        end = bucket.reset_at + 1.0
        return Allowance(
            max(0, bucket.remaining - bucket.in_flight), bucket.limit or 0, max(0.0, end - now), _clock_time(end)
        )

    def left(self, resource: str) -> dict[str, int]:
        """What is left of one budget, as metadata; nothing if GitHub did not tell."""
        remaining = self.remaining()
        return {"budget_left": remaining[resource]} if resource in remaining else {}

    def remaining(self) -> dict[str, int]:
        """What is left of each budget, as far as GitHub told."""
        return {name: bucket.remaining for name, bucket in self.buckets.items() if bucket.remaining is not None}
