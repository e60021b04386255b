"""What all commands share: durations, and how errors end a command."""

import click
import pytest
from click.testing import CliRunner, Result

from git_contrib_assets.cli.shell import INTERRUPTED, Commands, Duration, errors_to_exit_codes
from git_contrib_assets.errors import GitContribError, NotAllowed, RepositoryFailed, Stopped, UsageError


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("45s", 45), ("30m", 1800), ("1h30m", 5400), ("2d", 172_800), ("0", 0), (1.5, 1.5)],
)
def test_durations_add_up(text: str | float, seconds: float) -> None:
    """A number alone is seconds."""
    assert Duration().convert(text, None, None) == seconds


@pytest.mark.parametrize("text", ["", "m", "1x", "1.5h", "-1", "1h 30m", "1h\n"], ids=repr)
def test_anything_else_is_no_duration(text: str) -> None:
    """Nothing of it is guessed, and it says what would be right."""
    with pytest.raises(click.BadParameter, match="write 90, 45s, 30m or 1h30m"):
        Duration().convert(text, None, None)


def ended_by(error: BaseException) -> Result:
    """A command that ends with this error."""

    @click.command()
    @errors_to_exit_codes
    def command() -> None:
        raise error

    return CliRunner().invoke(command, [])


@pytest.mark.parametrize("kind", [GitContribError, UsageError, NotAllowed, Stopped])
def test_an_error_we_know_is_one_line_and_its_exit_code(kind: type[GitContribError]) -> None:
    """No trace, nothing on stdout."""
    result = ended_by(kind("say what to do"))
    assert (result.exit_code, result.stderr, result.stdout) == (kind.exit_code, "git-contrib: say what to do\n", "")


def test_partly_done_is_said_by_a_run_only() -> None:
    """Exit code 3 means that the rest was done: an error that ends the command cannot say so."""
    assert RepositoryFailed.exit_code == 3
    assert ended_by(RepositoryFailed("acme/anvil")).exit_code == 1


def test_an_interrupt_has_the_shells_exit_code() -> None:
    """128 and the number of the signal, without a word."""
    result = ended_by(KeyboardInterrupt())
    assert (result.exit_code, result.output) == (INTERRUPTED, "")


def test_what_nobody_expected_is_not_hidden() -> None:
    """A defect shows itself."""
    assert isinstance(ended_by(ZeroDivisionError()).exception, ZeroDivisionError)


def test_commands_are_listed_in_the_order_of_their_definition() -> None:
    """Not by the alphabet: people read them from above."""
    group = Commands("all", commands=[click.Command(name) for name in ("run", "demo", "export")])
    assert group.list_commands(click.Context(group)) == ["run", "demo", "export"]
