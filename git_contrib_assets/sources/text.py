"""Text from outside is bounded where it enters, in the same way by every source."""

import pyarrow as pa
import pyarrow.compute as pc

LONGEST_MESSAGE = 200
LONGEST_NAME = 256
_ELLIPSIS = "…"


def printable(text: str, length: int = LONGEST_MESSAGE) -> str:
    """One line of at most ``length`` characters; line breaks, escapes and invisible marks become spaces."""
    start = text[: 4 * length]
    line = " ".join("".join(one if one.isprintable() else " " for one in start).split())
    if len(line) <= length and len(text) == len(start):
        return line
    return line[: length - len(_ELLIPSIS)] + _ELLIPSIS


def cut(name: str) -> str:
    """An author's name or address as it lands: its first characters."""
    return name[:LONGEST_NAME]


def cut_all(names: pa.StringArray) -> pa.StringArray:
    """The same for a column."""
    longest = pc.max(pc.binary_length(names)).as_py() or 0
    return names if longest <= LONGEST_NAME else pc.utf8_slice_codeunits(names, 0, LONGEST_NAME)
