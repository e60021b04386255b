"""Answers as bytes, and the cache that keeps those last asked for."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter

from cachetools import LRUCache

# an answer larger than this share of the cache would push all others out
LARGEST_SHARE = 8
# path, query, and the headers that choose among the forms of an answer
Words = tuple[str, bytes, bytes, bytes]
LONGEST_WORDS = 1000
MOST_WORDS = 10_000


@dataclass
class Answer:
    """The bytes of an answer and what has to be said about them."""

    body: bytes
    media_type: str
    headers: Mapping[str, str] = field(default_factory=dict)
    compressible: bool = True
    compressed: bytes | None = None

    @property
    def size(self) -> int:
        """Bytes of memory the answer may come to take, with its compressed form, which is made later."""
        return len(self.body) * 2


@dataclass
class Stream:
    """An answer too large to be kept: its parts are made while they are sent, at the pace of who reads them."""

    parts: Iterator[bytes]
    media_type: str
    headers: Mapping[str, str]
    compressible: bool


@dataclass(frozen=True)
class Ready:
    """How an answer that is kept goes out to whoever asks in the same words."""

    tag: str
    route: str
    headers: Sequence[tuple[bytes, bytes]]
    packed: bool
    as_of: datetime | None = None


class AnswerCache:
    """The answers last asked for, bounded by their bytes, and the words they were asked for in.

    Only the event loop uses it, so nothing is locked.
    """

    def __init__(self, limit: int) -> None:
        self._answers: LRUCache[str, Answer] = LRUCache(limit, getsizeof=attrgetter("size"))
        self._ready: dict[Words, Ready] = {}

    @property
    def size(self) -> int:
        """Bytes that the answers kept may come to take."""
        return int(self._answers.currsize)

    def get(self, key: str) -> Answer | None:
        """The answer kept under the key."""
        return self._answers.get(key)

    def put(self, key: str, answer: Answer) -> None:
        """Keep an answer, at the cost of those not asked for the longest."""
        if answer.size <= self._answers.maxsize // LARGEST_SHARE:
            self._answers[key] = answer

    def ready(self, words: Words) -> tuple[Ready, bytes] | None:
        """How to answer these words, and with which bytes; None where nothing is kept."""
        ready = self._ready.get(words)
        answer = self.get(ready.tag) if ready else None
        if ready is None or answer is None:
            return None
        body = answer.compressed if ready.packed else answer.body
        return None if body is None else (ready, body)

    def remember(self, words: Words, ready: Ready) -> None:
        """Keep the words. The bytes stay with the answer, so that these cost little; long ones are not kept at all."""
        if sum(map(len, words)) <= LONGEST_WORDS:
            if len(self._ready) >= MOST_WORDS:
                self._ready.clear()
            self._ready[words] = ready
