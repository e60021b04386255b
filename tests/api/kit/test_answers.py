"""The answers that are kept are bounded."""

from api.kit.answers import MOST_KEYS, Answer, AnswerCache, CachedResponse, RequestKey


def test_keys_are_bounded():
    """Whatever is asked for: a bounded number of short keys is remembered, and no bytes but the answer's."""
    cache = AnswerCache(8000)
    cache.put("tag", Answer(b"x" * 100, "text/plain"))
    response = CachedResponse("tag", "/route", (), gzipped=False)
    for number in range(MOST_KEYS * 2):
        cache.remember(RequestKey(f"/{number}", b"", b"", b""), response)
    assert len(cache._responses) <= MOST_KEYS
    cache.remember(RequestKey("/long", b"x" * 2000, b"", b""), response)
    assert cache.find(RequestKey("/long", b"x" * 2000, b"", b"")) is None
    last = RequestKey(f"/{MOST_KEYS * 2 - 1}", b"", b"", b"")
    assert cache.find(last) == (response, b"x" * 100)
    assert cache.size == 200


def test_the_key_of_an_answer_that_is_no_longer_cached():
    """It finds nothing, and no compressed form that was not made again."""
    cache, key = AnswerCache(1600), RequestKey("/", b"", b"", b"gzip")
    cache.put("tag", Answer(b"x" * 100, "text/plain", compressed=b"small"))
    cache.remember(key, CachedResponse("tag", "/", (), gzipped=True))
    assert cache.find(key)[1] == b"small"
    cache.put("tag", Answer(b"x" * 100, "text/plain"))
    assert cache.find(key) is None
    for number in range(9):
        cache.put(f"{number}", Answer(b"x" * 100, "text/plain"))
    assert cache.get("tag") is None
    assert cache.size <= 1600


def test_cache_is_bounded():
    """The one not asked for the longest goes first; one that would push out all others is not kept."""
    cache = AnswerCache(1600)
    for name in "abcdefgh":
        cache.put(name, Answer(b"x" * 100, "text/plain"))
    assert cache.get("a") is not None
    cache.put("i", Answer(b"x" * 100, "text/plain"))
    assert cache.get("a") is not None
    assert cache.get("b") is None
    cache.put("large", Answer(b"x" * 101, "text/plain"))
    assert cache.get("large") is None
    assert cache.get("i") is not None
