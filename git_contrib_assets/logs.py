"""Structured logs, to stderr: one line per event, key=value, never a token."""

import logging
import re
import sys
from typing import Any

import structlog

_SECRET = re.compile(r"\b(?:gh[pousr]_\w+|github_pat_\w+)|(?<=Basic )[A-Za-z0-9+/=]{8,}|(?<=Bearer )\S+")
REDACTED = "[redacted]"


def redact(text: str) -> str:
    """The text without anything that looks like a token."""
    return _SECRET.sub(REDACTED, text)


def configure_logs(verbosity: int = 0) -> None:
    """Send our logs to stderr: warnings; with ``verbosity`` 1 also what is done, with 2 every detail."""
    level = {0: logging.WARNING, 1: logging.INFO}.get(verbosity, logging.DEBUG)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _redact_values,
            structlog.processors.KeyValueRenderer(key_order=["timestamp", "level", "event"]),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
    )
    # httpx and dagster log each request and each event; what matters of them is said by our own reporter
    logging.getLogger("httpx").setLevel(logging.DEBUG if verbosity > 1 else logging.WARNING)


def _redact_values(_: Any, __: str, event: Any) -> Any:
    return {key: redact(value) if isinstance(value, str) else value for key, value in event.items()}
