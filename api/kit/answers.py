"""Answers as bytes, and the cache of the answers last asked for."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter
from typing import NamedTuple

from cachetools import LRUCache

# an answer larger than this share of the cache would push out all others
LARGEST_SHARE = 8
LONGEST_KEY = 1000
MOST_KEYS = 10_000


@dataclass
class Answer:
    """The body of an answer and the headers that belong to it."""

    body: bytes
    media_type: str
    headers: Mapping[str, str] = field(default_factory=dict)
    compressible: bool = True
    compressed: bytes | None = None

    @property
    def size(self) -> int:
        """The most memory it can take, in bytes: the compressed body is added later."""
        return len(self.body) * 2


@dataclass
class Stream:
    """An answer too large to be cached. Its parts are made while they are sent, as fast as the client reads them."""

    parts: Iterator[bytes]
    media_type: str
    headers: Mapping[str, str]
    compressible: bool


class RequestKey(NamedTuple):
    """What the answer to a GET request depends on, as long as the snapshot is the same."""

    path: str
    query: bytes
    accept: bytes
    accept_encoding: bytes


@dataclass(frozen=True)
class CachedResponse:
    """How to send a cached answer to a request with the same path, query and Accept headers."""

    tag: str
    route: str
    headers: Sequence[tuple[bytes, bytes]]
    gzipped: bool
    as_of: datetime | None = None


class AnswerCache:
    """The answers last asked for, by ETag and by request. Only the event loop uses it, so nothing is locked.

    The lookup by request skips routing and the parsing of parameters, which take longer than everything else. Without
    it, a cached answer takes more than twice as long as a constant one (see benchmarks/api.py).
    """

    def __init__(self, limit: int) -> None:
        self._answers: LRUCache[str, Answer] = LRUCache(limit, getsizeof=attrgetter("size"))
        self._responses: dict[RequestKey, CachedResponse] = {}

    @property
    def size(self) -> int:
        """The most memory the cached answers can take, in bytes."""
        return int(self._answers.currsize)

    def get(self, tag: str) -> Answer | None:
        """The answer with this ETag, if it is cached."""
        return self._answers.get(tag)

    def put(self, tag: str, answer: Answer) -> None:
        """Cache an answer. The least recently used ones are dropped to make room."""
        if answer.size <= self._answers.maxsize // LARGEST_SHARE:
            self._answers[tag] = answer

    def find(self, key: RequestKey) -> tuple[CachedResponse, bytes] | None:
        """How to answer this request, and the body; None if it is not cached."""
        response = self._responses.get(key)
        answer = self.get(response.tag) if response else None
        if response is None or answer is None:
            return None
        body = answer.compressed if response.gzipped else answer.body
        return None if body is None else (response, body)

    def remember(self, key: RequestKey, response: CachedResponse) -> None:
        """Remember how a request was answered. The body is not copied, so this takes little memory; long keys are skipped."""
        if sum(map(len, key)) <= LONGEST_KEY:
            if len(self._responses) >= MOST_KEYS:
                self._responses.clear()
            self._responses[key] = response
