"""How addresses are compared."""

import unicodedata

import pyarrow as pa
import pytest

from git_contrib_assets.storage.landed.addresses import WHITESPACE, normalised


@pytest.mark.parametrize(
    ("written", "compared"),
    [
        ("Ann@Example.COM", "ann@example.com"),
        (" \tann@example.com\r\n", "ann@example.com"),
        ("\xa0ann@example.com\x85", "ann@example.com"),
        ("ann @example.com", "ann @example.com"),
        ("ÄNN@example.com", "änn@example.com"),
        ("", ""),
        (" \t", ""),
        (None, None),
    ],
)
def test_case_and_white_space_around_do_not_count(written: str | None, compared: str | None) -> None:
    """White space within is part of the address; an address that is null stays null."""
    assert normalised(pa.array([written], pa.string())).to_pylist() == [compared]


def test_every_white_space_of_latin_1_is_trimmed() -> None:
    """What Python trims, as far as the first 256 characters go."""
    assert set(WHITESPACE) == {chr(code) for code in range(256) if chr(code).isspace()}


def test_wider_white_space_is_kept() -> None:
    """The SQL macro trims the same characters and no others: an em space stays on both sides."""
    wide = "\N{EM SPACE}ann@example.com"
    assert unicodedata.category(wide[0]) == "Zs"
    assert normalised(pa.array([wide])).to_pylist() == [wide]
