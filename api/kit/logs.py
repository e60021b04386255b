"""The log of the API: a line per event, what is known about it as key=value; named by the command that serves."""

import logging

# what every record has; what else it has is what was said
_USUAL = {*vars(logging.makeLogRecord({})), "message", "asctime", "taskName", "color_message"}


class LineFormatter(logging.Formatter):
    """Time, level, message, and the rest in the order it was given."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """One line, and the trace below it where there is one."""
        plain = logging.makeLogRecord({**vars(record)})
        said = " ".join(f"{name}={value!r}" for name, value in vars(record).items() if name not in _USUAL)
        plain.msg, plain.args = " ".join(filter(None, (record.getMessage(), said))), None
        return super().format(plain)
