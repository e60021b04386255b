"""Structured logs on stderr, one line per event; and what no log, error or traceback may hold: tokens and addresses."""

import base64
import contextlib
import json
import logging
import re
import sys
import threading
import traceback
from collections.abc import Iterator
from types import TracebackType
from typing import Any, TypeVar
from urllib.parse import quote

import structlog

REDACTED = "[redacted]"
SHORTEST_SECRET = 6
LONGEST_CAUSE = 2000
"""Characters kept of what a library says: some repeat the whole value that they could not read."""
_TOKEN = re.compile(r"\b(?:gh[pousr]_\w+|github_pat_\w+)|(?<=Basic )[A-Za-z0-9+/=]{8,}|(?<=Bearer )\S+")
_IN_ADDRESS = r"""[^\s@/:"'`<>()\[\]{},;=]"""
_ADDRESS = re.compile(rf"""(?:(?<!{_IN_ADDRESS}){_IN_ADDRESS}++|"[^"@]*"|(?<=://)[^\s/@]++)@\[?{_IN_ADDRESS}+""")
_secrets: set[str] = set()

AnyError = TypeVar("AnyError", bound=BaseException)


def register_secret(secret: str | None) -> None:
    """From now on, ``redact`` removes this text in every way it may be written, whatever it looks like.

    One of fewer than six characters is left alone: it would be found in every other word.
    """
    if secret and len(secret) >= SHORTEST_SECRET:
        for_git = base64.b64encode(f"x-access-token:{secret}".encode()).decode()
        _secrets.update((secret, quote(secret, safe=""), json.dumps(secret)[1:-1], repr(secret)[1:-1], for_git))


def redact(text: str) -> str:
    """The text without tokens, registered secrets and e-mail addresses."""
    for secret in sorted(_secrets, key=len, reverse=True):
        text = text.replace(secret, REDACTED)
    return _ADDRESS.sub(REDACTED, _TOKEN.sub(REDACTED, text))


def redacted(error: AnyError) -> AnyError:
    """The same error. Its message and those of its causes are redacted and cut: tracebacks show them, Dagster stores them."""
    for one in _with_causes(error):
        one.args = tuple(_clean(argument) for argument in one.args)
    for one in _with_causes(error):
        for link in ("__cause__", "__context__"):
            cause = getattr(one, link)
            if cause is not None and not _is_clean(cause):
                setattr(one, link, _stand_in(cause))
    return error


@contextlib.contextmanager
def errors_redacted() -> Iterator[None]:
    """Whatever error leaves the block is redacted. One that keeps its message out of reach is replaced by a plain one."""
    try:
        yield
    except Exception as error:
        if _is_clean(redacted(error)):
            raise
        plain = _stand_in(error)
        raise plain from plain.__cause__


def log() -> Any:
    """The log. A process that was not told how much to show, such as Dagster's, shows warnings."""
    if not structlog.is_configured():
        _configure(0)
    return structlog.get_logger()


def configure_logs(verbosity: int = 0) -> None:
    """Log to stderr: warnings; with ``verbosity`` 1 what is done as well, with 2 every request."""
    _configure(verbosity)
    if logging.lastResort:  # the handler of libraries' warnings
        logging.lastResort.setFormatter(_Redacting())
    sys.excepthook = _show_unexpected
    threading.excepthook = lambda failed: _show_unexpected(failed.exc_type, failed.exc_value, failed.exc_traceback)


def _configure(verbosity: int) -> None:
    level = {0: logging.WARNING, 1: logging.INFO}.get(verbosity, logging.DEBUG)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.KeyValueRenderer(key_order=["timestamp", "level", "event"]),
            _redact_line,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: structlog.WriteLogger(sys.stderr),  # a progress bar may have taken its place
    )


class _Redacting(logging.Formatter):
    """What the standard library logs, traceback included."""

    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))


def _show_unexpected(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    """The traceback of an error that nobody caught."""
    sys.stderr.write(redact("".join(traceback.format_exception(kind, error, trace))))


def _redact_line(_: Any, __: str, line: Any) -> str:
    return redact(str(line))


def _with_causes(error: BaseException) -> Iterator[BaseException]:
    """The error, what caused it, what was being handled then, and so on."""
    waiting, seen = [error], set[int]()
    while waiting:
        one = waiting.pop()
        if id(one) not in seen:
            seen.add(id(one))
            yield one
            waiting += [cause for cause in (one.__cause__, one.__context__) if cause is not None]


def _clean(argument: Any) -> Any:
    text = argument if isinstance(argument, str) else repr(argument)
    clean = redact(text)
    clean = clean if len(clean) <= LONGEST_CAUSE else clean[:LONGEST_CAUSE] + "…"
    return argument if clean == text else clean


def _is_clean(error: BaseException) -> bool:
    """Whether its message can be shown: some errors keep it elsewhere than in their arguments."""
    return bool(_clean(str(error)) == str(error))


def _stand_in(error: BaseException) -> Exception:
    plain = Exception(f"{type(error).__name__}: {_clean(str(error))}").with_traceback(error.__traceback__)
    plain.__cause__ = error.__cause__
    return plain
