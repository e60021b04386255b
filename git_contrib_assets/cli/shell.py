"""What all commands share: options, exit codes, signals, output."""

import contextlib
import os
import re
import signal
import sys
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any

import click
from rich.console import Console

from git_contrib_assets.errors import GitContribError, StorageError

_DURATION = re.compile(r"(\d+)([smhd]?)")
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
INTERRUPTED = 130


class Duration(click.ParamType[float]):
    """Seconds, or a number with s, m, h or d; several add up (1h30m)."""

    name = "duration"

    def convert(self, value: Any, parameter: click.Parameter | None, context: click.Context | None) -> float:
        """Seconds."""
        if isinstance(value, int | float):
            return float(value)
        parts = _DURATION.findall(value)
        if not parts or "".join(number + unit for number, unit in parts) != value:
            self.fail(f"{value!r} is no duration: write 90, 45s, 30m or 1h30m", parameter, context)
        return float(sum(int(number) * _SECONDS[unit] for number, unit in parts))


class Commands(click.Group):
    """Commands in the order in which people need them."""

    def list_commands(self, context: click.Context) -> list[str]:
        """Names in order of definition."""
        return list(self.commands)


class _TalkingConsole(Console):
    """stderr. That nobody listens any more, or that a full disk is behind it, must not end the work."""

    def on_broken_pipe(self) -> None:
        """Go on without a word."""
        self.quiet = True

    def _write_buffer(self) -> None:
        try:
            super()._write_buffer()
        except OSError:
            self.quiet = True


def talking_console() -> Console:
    return _TalkingConsole(stderr=True, soft_wrap=True)


@contextlib.contextmanager
def writing_to_stdout() -> Iterator[None]:
    """Raises StorageError where what stdout leads to does not take what is written."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        # what is left in the buffer would fail once more when the interpreter ends
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise StorageError(f"The output cannot be written: {error.strerror or error}") from error


def errors_to_exit_codes(command: Callable[..., Any]) -> Callable[..., Any]:
    """One line for an error we know, and its exit code; the trace only for what nobody expected, with -v."""

    @wraps(command)
    def wrapped(*arguments: Any, **options: Any) -> Any:
        try:
            return command(*arguments, **options)
        except GitContribError as error:
            click.echo(f"git-contrib: {error}", err=True)
            sys.exit(error.exit_code if error.exit_code != 3 else 1)
        except KeyboardInterrupt:
            sys.exit(INTERRUPTED)
        except BrokenPipeError:  # the reader of our output has gone: as with any filter, no fault
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(0)

    return wrapped


def interrupt_on_hangup() -> None:
    """A terminal that goes away interrupts as Ctrl-C does: no git is left behind. Under nohup it is still ignored."""
    if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:
        signal.signal(signal.SIGHUP, lambda *_: signal.raise_signal(signal.SIGINT))


def leave_at_once(code: int) -> None:
    """End without the interpreter's tidying up: with work cut short, DuckDB's binding reports dozens of leaks there."""
    from git_contrib_assets.sources.histories.cancellation import cancel_all

    cancel_all()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def listening_options(*, ui: bool) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The options of every command that serves."""
    port = click.IntRange(0, 65535)
    options = [
        click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen"),
        click.option("--port", default=8000, show_default=True, type=port, help="Port of the API; 0: any free one"),
    ]
    if ui:
        help_text = "Port of the Dagster UI; 0: any free one"
        options.append(click.option("--ui-port", default=3000, show_default=True, type=port, help=help_text))

    def add(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            command = option(command)
        return command

    return add
