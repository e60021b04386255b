"""A history is whole when its tip is there and no parent is missing, in whatever order it came."""

from hypothesis import given
from hypothesis import strategies as st

from git_contrib_assets.sources.histories.completeness import Completeness


def sha(number):
    return f"{number:040x}"


@st.composite
def histories(draw):
    """Numbers with the numbers of their parents, which are smaller; all of them reachable from the last."""
    size = draw(st.integers(1, 12))
    return {
        number: {number - 1, *draw(st.sets(st.integers(1, number - 1), max_size=2))} if number > 1 else set()
        for number in range(1, size + 1)
    }


def came(history, pages):
    heard = Completeness(sha(max(history)))
    for page in pages:
        heard.add(map(sha, page), {sha(parent) for one in page for parent in history[one]})
    return heard


@given(histories(), st.randoms(use_true_random=False), st.integers(1, 5), st.data())
def test_exactly_what_did_not_come_is_missing(history, chance, rows, data):
    """In any order, in pages of any size; parents of what is missing are not known, and so not missed."""
    lost = data.draw(st.sets(st.sampled_from(sorted(history)), max_size=3))
    order = [number for number in history if number not in lost]
    chance.shuffle(order)
    pages = [order[start : start + rows] for start in range(0, len(order), rows)]
    named = {max(history)}.union(*(history[number] for number in order))
    assert came(history, pages).missing() == {sha(number) for number in lost & named}


@given(histories(), st.integers(1, 5))
def test_newest_first_it_is_seen_at_once(history, rows):
    """As GitHub lists them: nothing is looked up in the end."""
    order = sorted(history, reverse=True)
    pages = [order[start : start + rows] for start in range(0, len(order), rows)]
    assert came(history, pages).seems_whole()
    assert came(history, pages[:-1]).seems_whole() is False


def test_a_page_with_nothing_that_was_awaited_says_so():
    heard = Completeness(sha(3))
    assert heard.add([sha(3)], [sha(2)])
    assert not heard.add([sha(3)], [sha(2)])
    assert not heard.add([], [])
    assert heard.add([sha(2), sha(9)], [])


def test_shas_of_sha256_are_as_good():
    heard = Completeness("a" * 64)
    heard.add(["b" * 64], [])
    heard.add(["a" * 64], ["b" * 64])
    assert heard.missing() == set()
