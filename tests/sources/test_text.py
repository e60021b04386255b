"""Text from outside: what is kept of it, and that both ways of cutting agree."""

import pyarrow as pa
import pytest

from git_contrib_assets.sources.text import LONGEST_NAME, cut, cut_all, printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Not Found", "Not Found"),
        ("one\r\ntwo\tthree", "one two three"),
        ("\x1b[31mred\x1b[0m \x07bell", "[31mred [0m bell"),
        ("right\u202eleft\u200b", "right left"),
        ("half \ud800 a pair", "half a pair"),
        ("Zoë 🦊 [/red]", "Zoë 🦊 [/red]"),
        ("", ""),
        ("x" * 200, "x" * 200),
        ("x" * 201, "x" * 199 + "…"),
    ],
)
def test_a_message_is_one_line_of_printable_characters(text, shown):
    assert printable(text) == shown


@pytest.mark.parametrize("text", ["x" * 1_000_000, "x " * 500_000, "\n" * 1_000_000])
def test_a_message_is_never_longer_than_200_characters(text):
    """A reader can tell that there was more."""
    assert len(printable(text)) <= 200
    assert len(printable(text, 7)) <= 7
    assert printable(text).endswith("…")


@pytest.mark.parametrize(
    "name", ["", "Ann", "x" * 256, "x" * 257, "ë" * 300, "🦊" * 300, "x" * 255 + "🦊🦊", "a\x00" * 200]
)
def test_a_name_is_cut_after_256_characters(name):
    assert LONGEST_NAME == 256
    assert cut(name) == name[:256]
    assert cut_all(pa.array([name, "Bob"])).to_pylist() == [name[:256], "Bob"]


def test_a_column_without_rows_is_cut_too():
    assert cut_all(pa.array([], pa.string())).to_pylist() == []
