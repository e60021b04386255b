"""How e-mail addresses are compared: trimmed and lower-cased (docs/definitions.md). The SQL macro uses the same characters."""

import pyarrow as pa
import pyarrow.compute as pc

WHITESPACE = "\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f \x85\xa0"
"""What is trimmed from addresses and names, here and by the macro ``typed.normalised``."""

BOT_ADDRESS = r"(?:\d+\+)?([^@]+)\[bot\]@users\.noreply\.github\.com"
"""An address that GitHub gives to a bot, with its login; the macro ``typed.bot_login`` uses the same pattern."""


def normalised(written: pa.Array) -> pa.Array:
    """Addresses as they are compared."""
    return pc.utf8_lower(pc.utf8_trim(written, characters=WHITESPACE))
