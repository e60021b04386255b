"""The reporter of the process, and those who listen in on the way."""

import inspect
from unittest.mock import call, create_autospec

import pytest

from git_contrib_assets.progress import Forwarding, Reporter, reporter, reporting_to

METHODS = [name for name, _ in inspect.getmembers(Reporter, inspect.isfunction) if not name.startswith("_")]


@pytest.mark.parametrize("name", METHODS)
def test_everything_is_forwarded_as_it_was_said(name: str) -> None:
    """A method added to Reporter and forgotten in Forwarding would silence the terminal."""
    parameters = [one for one in inspect.signature(getattr(Reporter, name)).parameters.values() if one.name != "self"]
    said = [object() for one in parameters if one.kind is not one.KEYWORD_ONLY]
    named = {one.name: object() for one in parameters if one.kind is one.KEYWORD_ONLY}
    listener = create_autospec(Reporter, instance=True)
    getattr(Forwarding(listener), name)(*said, **named)
    assert listener.mock_calls == [getattr(call, name)(*said, **named)]


def test_there_is_something_to_forward() -> None:
    """The comparison above does not pass because it found nothing to compare."""
    assert {"listed", "published", "waiting"} <= set(METHODS)


def test_the_reporter_before_comes_back() -> None:
    """Blocks may lie in each other; each restores what it found."""
    first, second, before = Reporter(), Reporter(), reporter()
    with reporting_to(first):
        with reporting_to(second):
            assert reporter() is second
        assert reporter() is first
    assert reporter() is before


def test_the_reporter_before_comes_back_after_an_error() -> None:
    """A failed command does not leave its terminal behind."""
    before = reporter()
    with pytest.raises(ConnectionError), reporting_to(Reporter()):
        raise ConnectionError
    assert reporter() is before
