"""The answers that are kept are bounded."""

from api.kit.answers import MOST_WORDS, Answer, AnswerCache, Ready


def test_words_are_bounded():
    """Whatever is asked for in whatever words: a bounded number of short ones is kept, and no bytes but the answer's."""
    cache = AnswerCache(8000)
    cache.put("tag", Answer(b"x" * 100, "text/plain"))
    ready = Ready("tag", "/route", (), packed=False)
    for number in range(MOST_WORDS * 2):
        cache.remember((f"/{number}", b"", b"", b""), ready)
    assert len(cache._ready) <= MOST_WORDS
    cache.remember(("/long", b"x" * 2000, b"", b""), ready)
    assert cache.ready(("/long", b"x" * 2000, b"", b"")) is None
    last = (f"/{MOST_WORDS * 2 - 1}", b"", b"", b"")
    assert cache.ready(last) == (ready, b"x" * 100)
    assert cache.size == 200


def test_words_of_an_answer_that_is_kept_no_more():
    """They lead to nothing; nor do they lead to a compressed form that was not made again."""
    cache, words = AnswerCache(1600), ("/", b"", b"", b"gzip")
    cache.put("tag", Answer(b"x" * 100, "text/plain", compressed=b"small"))
    cache.remember(words, Ready("tag", "/", (), packed=True))
    assert cache.ready(words)[1] == b"small"
    cache.put("tag", Answer(b"x" * 100, "text/plain"))
    assert cache.ready(words) is None
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
