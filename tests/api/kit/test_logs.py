"""What is written about a request."""

import logging
import sys

from api.kit.logs import LineFormatter


def test_a_line_per_event(caplog):
    """What is known follows the message; nothing a request says can begin a line of its own."""
    with caplog.at_level(logging.INFO, "git_contrib.api"):
        said = {"request_id": "abc", "path": "/x\r\n2026 INFO forged", "status": 200}
        logging.getLogger("git_contrib.api").info("request", extra=said)
    line = LineFormatter().format(caplog.records[0])
    assert line.endswith(r" INFO request request_id='abc' path='/x\r\n2026 INFO forged' status=200")
    assert len(line.splitlines()) == 1


def test_a_trace_follows_its_line():
    """And the record is left as it was, for whoever writes it next."""
    try:
        int("100% broken")
    except ValueError:
        record = logging.LogRecord("git_contrib.api", logging.ERROR, "", 0, "failed %s", ("here",), sys.exc_info())
    text = LineFormatter().format(record)
    assert " ERROR failed here\nTraceback" in text
    assert "100% broken" in text.splitlines()[-1]
    assert record.args == ("here",)
