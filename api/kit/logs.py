"""The log of the API: one line per event, in the same format as the package's logs, without tokens.

It goes through the logging of the standard library, so the command that serves the API decides what is shown, and where.
What no line may hold is the package's rule: tokens, those of the settings whatever they look like, and e-mail addresses.
"""

import logging
from typing import Any

import structlog

from git_contrib_assets.logs import redact

_PREPARE: tuple[structlog.typing.Processor, ...] = (
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
)

logger: structlog.stdlib.BoundLogger = structlog.wrap_logger(
    logging.getLogger("git_contrib.api"),
    processors=[
        structlog.stdlib.filter_by_level,
        *_PREPARE,
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    wrapper_class=structlog.stdlib.BoundLogger,
    cache_logger_on_first_use=True,
)


def line_formatter() -> logging.Formatter:
    """Formats each event as one line, also those that libraries log."""
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_PREPARE,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.KeyValueRenderer(key_order=["timestamp", "level", "event"]),
            _redact,
        ],
    )


def _redact(_logger: Any, _method: str, line: Any) -> str:
    return redact(str(line))
