"""The Accept headers of a request."""

import pytest

from api.kit.accept import qualities


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("text/csv", [("text/csv", 1.0)]),
        ("Text/CSV; Q=0.5, */*;q=0", [("text/csv", 0.5), ("*/*", 0.0)]),
        ("text/html;level=1;q=0.25", [("text/html", 0.25)]),
        ("br; q = 0.000 ,gzip", [("br", 0.0), ("gzip", 1.0)]),
        ("gzip;q=much", [("gzip", 0.0)]),
        ("", [("", 1.0)]),
    ],
)
def test_names_with_their_quality(header, found):
    """In their order; 1 if none is given, 0 if it is not a number."""
    assert qualities(header) == found
