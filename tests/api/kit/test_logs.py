"""What is written to the log."""

import logging
import sys

import pytest

from api.kit.logs import line_formatter, logger
from git_contrib_assets.logs import REDACTED
from git_contrib_assets.settings import Settings


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What the command that serves would write."""
    return [line_formatter().format(record) for record in caplog.records]


def test_a_line_per_event(caplog):
    """What is known follows the event; nothing a request says can begin a line of its own."""
    with caplog.at_level(logging.INFO, "git_contrib.api"):
        logger.info("request", request_id="abc", path="/x\r\n2026 INFO forged", status=200)
    (line,) = lines(caplog)
    assert line.startswith("timestamp='20")
    assert line.endswith(r" level='info' event='request' request_id='abc' path='/x\r\n2026 INFO forged' status=200")
    assert len(line.splitlines()) == 1


def test_a_trace_is_on_the_line_of_its_event(caplog):
    """So that it is found by the id of the request, and cannot be torn apart."""
    try:
        int("100% broken")
    except ValueError:
        logger.exception("request failed", request_id="abc")
    (line,) = lines(caplog)
    assert " level='error' event='request failed' request_id='abc' exception=" in line
    assert "Traceback" in line
    assert "100% broken" in line
    assert len(line.splitlines()) == 1


def test_what_libraries_log_has_the_same_format():
    """Their record is not changed, because other handlers may write it, too."""
    try:
        int("100% broken")
    except ValueError:
        record = logging.LogRecord("uvicorn.error", logging.ERROR, "", 0, "failed %s", ("here",), sys.exc_info())
    line = line_formatter().format(record)
    assert line.startswith("timestamp='20")
    assert " level='error' event='failed here' exception=" in line
    assert "100% broken" in line
    assert len(line.splitlines()) == 1
    assert record.args == ("here",)


@pytest.mark.parametrize("token", ["ghp_0123456789abcdef", "github_pat_11ABC_def", "gho_0123456789abcdef"])
def test_no_token_is_written(caplog, token):
    """Wherever it stands in what is logged."""
    try:
        int(token)
    except ValueError:
        logger.exception(f"failed with {token}", path=f"/v1/{token}", headers=[f"Bearer {token}"])
    (line,) = lines(caplog)
    assert token not in line
    assert line.count(REDACTED) == 4


def test_the_token_of_the_api_is_not_written(caplog, monkeypatch):
    """Whatever it looks like, and whoever put it into an address; nor is the address of a person."""
    token = "nothing-that-looks-like-a-token-of-GitHub"
    monkeypatch.setenv("GIT_CONTRIB_API_TOKEN", token)
    Settings.from_environment()
    with caplog.at_level(logging.INFO, "git_contrib.api"):
        logger.info("request", path=f"/v1/{token}", said="ann@planted.example")
    (line,) = lines(caplog)
    assert token not in line
    assert "planted" not in line
    assert line.count(REDACTED) == 2


@pytest.mark.parametrize(("level", "shown"), [(logging.INFO, 1), (logging.WARNING, 0)])
def test_the_level_is_that_of_the_logging(caplog, level, shown):
    """The command that serves sets it."""
    with caplog.at_level(level, "git_contrib.api"):
        logger.info("request")
    assert len(caplog.records) == shown
