"""What a person sees of a run: text from outside as it is, and with -q only what went wrong."""

import io
from datetime import datetime

import pytest
from crawl_scene import listed
from rich.console import Console

from git_contrib_assets.cli.console import ConsoleReporter, summarise
from git_contrib_assets.errors import AccountsUnavailable, TargetFailed, UnknownTarget
from git_contrib_assets.logs import configure_logs
from git_contrib_assets.records import Attempt, AttemptState
from git_contrib_assets.runtime.pipeline import Outcome
from git_contrib_assets.sources.github.limits import Budget

NASTY = "[/red] [bold]x[/bold] :warning: \x1b[31m\r\n\x07\u202e [link=http://evil.test]y ghp_0123456789secret ann@example.com \\"
SHOWN = "[/red] [bold]x[/bold] :warning:  [31m     [link=http://evil.test]y [redacted] [redacted] \\"


def attempt(name="acme/anvil", state=AttemptState.FAILED, **more):
    said = {"reason": "blocked", "message": f"{name}: {NASTY}"} if state is AttemptState.FAILED else {}
    begun = datetime.fromisoformat("2023-11-14T22:00:00")
    values = {"seconds": 1.5, "source": "git", "tip": None, "commits": 7, "requests": 3, **said, **more}
    return Attempt("run", 1, name, state, begun, **values)


class Screen:
    """A console that keeps what it shows."""

    def __init__(self, *, terminal=False):
        self.file = io.StringIO()
        self.console = Console(file=self.file, force_terminal=terminal, width=300, color_system=None)

    @property
    def text(self):
        return self.file.getvalue()


@pytest.fixture
def screen():
    return Screen()


def everything(reporter):
    """All that a reporter may be told, with text from outside wherever there can be some."""
    reporter.listed(NASTY, [listed(1, "acme/anvil")])
    reporter.crawl_started(2)
    reporter.repository_started(NASTY)
    reporter.repository_finished(attempt())
    reporter.repository_finished(attempt(NASTY, AttemptState.LANDED))
    reporter.accounts_asked(1, 1)
    reporter.accounts_failed(AccountsUnavailable(NASTY), 1)
    reporter.waiting(NASTY)
    reporter.rejected(1, NASTY)
    reporter.note(NASTY)


@pytest.mark.parametrize("terminal", [False, True])
def test_text_from_outside_is_shown_as_it_is(terminal):
    """Read as markup it ended the crawl of all; left as it is it would reach the terminal."""
    screen = Screen(terminal=terminal)
    with ConsoleReporter(screen.console) as reporter:
        everything(reporter)
    lines = screen.text.replace("\x1b[", "<escape>").splitlines() if terminal else screen.text.splitlines()
    for line in (
        f"failed acme/anvil: {SHOWN}",
        f"1 e-mails not looked up: {SHOWN}",
        f"wait {SHOWN}",
        f"1 set aside: {SHOWN}",
        SHOWN,
        f"{SHOWN}: 1 public repository",
    ):
        assert any(line in one for one in lines), line
    for planted in ("\x07", "\u202e", "ghp_", "ann@", "\x1b[31m"):
        assert planted not in screen.text


def outcome(**more):
    return Outcome(attempts=[attempt(), attempt("acme/good", AttemptState.LANDED)], snapshot_id="s1", **more)


def test_the_summary_shows_text_from_outside_as_it_is(screen):
    failed = {"acme": TargetFailed(NASTY)}
    summarise(
        screen.console,
        outcome(targets_failed=failed, errors=[AccountsUnavailable(NASTY)]),
        Budget(),
        1.0,
        command="git-contrib",
    )
    for line in (
        f"  failed  acme/anvil: {SHOWN} (blocked)",
        f"  failed  acme: {SHOWN}",
        f"  accounts_unavailable  {SHOWN}",
        "Ended in 1.0 s: 2 repositories (1 landed, 1 failed), 14 commits",
    ):
        assert line in screen.text.splitlines()


def test_nothing_done_is_told_in_one_line_each(screen):
    failed = {"acme": UnknownTarget(NASTY)}
    summarise(screen.console, Outcome(targets_failed=failed), Budget(), 1.0, command="git-contrib")
    assert screen.text.splitlines() == [f"git-contrib: {SHOWN}"]


def test_quiet_says_nothing_of_a_run_that_went_well(screen):
    with ConsoleReporter(screen.console, quiet=True) as reporter:
        reporter.listed("acme", [])
        reporter.crawl_started(1)
        reporter.repository_finished(attempt(state=AttemptState.LANDED))
        reporter.accounts_asked(1, 1)
        reporter.note("Histories come by git")
    good = Outcome(attempts=[attempt(state=AttemptState.LANDED)], snapshot_id="s1", snapshot_changed=True)
    summarise(screen.console, good, Budget(), 1.0, command="git-contrib", quiet=True)
    assert screen.text == ""


def test_quiet_says_once_what_went_wrong(screen):
    with ConsoleReporter(screen.console, quiet=True) as reporter:
        reporter.repository_finished(attempt())
    went_wrong = outcome(targets_failed={"acme": TargetFailed("gone")}, errors=[AccountsUnavailable("down")])
    summarise(screen.console, went_wrong, Budget(), 1.0, command="git-contrib", quiet=True)
    assert screen.text.splitlines() == [
        f"failed acme/anvil: {SHOWN}",
        "  failed  acme: gone",
        "  accounts_unavailable  down",
    ]


@pytest.mark.parametrize(("verbosity", "lines"), [(0, 0), (1, 1), (2, 1)])
def test_with_v_every_repository_is_a_line(screen, capsys, verbosity, lines):
    configure_logs(verbosity)
    try:
        with ConsoleReporter(screen.console) as reporter:
            reporter.repository_finished(attempt(state=AttemptState.LANDED))
    finally:
        configure_logs(0)
    written = capsys.readouterr().err.splitlines()
    assert len(written) == lines
    for line in written:
        assert "event='repository' state='landed' repository='acme/anvil' commits=7 source='git' requests=3" in line
