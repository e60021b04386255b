"""Answers as bytes, and the cache that keeps those last asked for."""

import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

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
    """The answers last asked for, bounded by their bytes, and the words they were asked for in."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._size = 0
        self._answers: OrderedDict[str, Answer] = OrderedDict()
        self._ready: dict[Words, Ready] = {}
        self._lock = threading.Lock()

    @property
    def size(self) -> int:
        """Bytes that the answers kept may come to take."""
        return self._size

    def get(self, key: str) -> Answer | None:
        """The answer kept under the key."""
        with self._lock:
            answer = self._answers.get(key)
            if answer is not None:
                self._answers.move_to_end(key)
            return answer

    def put(self, key: str, answer: Answer) -> None:
        """Keep an answer, at the cost of those not asked for the longest."""
        if answer.size > self._limit // LARGEST_SHARE:
            return
        with self._lock:
            old = self._answers.pop(key, None)
            self._size += answer.size - (old.size if old else 0)
            self._answers[key] = answer
            while self._size > self._limit:
                _key, dropped = self._answers.popitem(last=False)
                self._size -= dropped.size

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
