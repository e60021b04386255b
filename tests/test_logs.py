"""What no log, no error and no traceback holds, whichever library it comes from."""

import base64
import logging
import sys
import threading
import time
import traceback

import dagster as dg
import duckdb
import httpx
import msgspec
import pyarrow as pa
import pydantic
import pytest
import sqlalchemy
import structlog

from git_contrib_assets.errors import HistoryCorrupt
from git_contrib_assets.logs import LONGEST_CAUSE, configure_logs, errors_redacted, redact, redacted, register_secret

ADDRESS = "ann@example.com"
SECRET = 'Correct-Horse/"Battery'
CLASSIC = "ghp_0123456789secret"


@pytest.fixture(autouse=True)
def a_secret():
    register_secret(SECRET)


class Kind(msgspec.Struct, tag="x"):
    """Takes no other tag."""


class Number(pydantic.BaseModel):
    """Takes no text."""

    value: int


def ask_a_table_that_is_not_there(text):
    with sqlalchemy.create_engine("sqlite://").connect() as connection:
        connection.execute(sqlalchemy.text("select :text from missing"), {"text": text})


# Each repeats the value that it could not read.
COMPLAINTS = {
    "duckdb": lambda text: duckdb.execute("select $1::int", [text]).fetchall(),
    "arrow, a date": lambda text: pa.array([text]).cast(pa.timestamp("us", "UTC")),
    "arrow, a number": lambda text: pa.array([text], pa.int32()),
    "msgspec": lambda text: msgspec.json.decode(msgspec.json.encode({"type": text}), type=Kind),
    "pydantic": lambda text: Number(value=text),
    "sqlalchemy": ask_a_table_that_is_not_there,
    "a dictionary": lambda text: {}[text],
    "a file": lambda text: open(f"missing {text}"),  # noqa: PTH123, SIM115
    "httpx": lambda text: (_ for _ in ()).throw(httpx.LocalProtocolError(f"Illegal header value b'{text}'")),
    "somebody": lambda text: (_ for _ in ()).throw(ValueError({"nested": [text]})),
}


def shown(error):
    """The error as a traceback shows it, causes and all."""
    return "".join(traceback.format_exception(error))


@pytest.mark.parametrize("complain", COMPLAINTS.values(), ids=COMPLAINTS)
@pytest.mark.parametrize("planted", [ADDRESS, SECRET, CLASSIC], ids=["address", "secret", "token"])
def test_no_cause_of_an_error_tells_a_secret(complain, planted):
    """Ours says nothing of it, but a traceback shows its cause too, and what was being handled before."""

    def fail():
        with errors_redacted():
            try:
                complain(planted)
            except Exception as cause:
                raise HistoryCorrupt(f"acme/anvil: {planted}") from cause

    with pytest.raises(HistoryCorrupt) as caught:
        fail()
    text = shown(caught.value)
    assert planted not in text
    assert planted not in text.encode().decode("unicode_escape")
    assert "[redacted]" in str(caught.value)
    assert caught.value.__cause__ is not None


@pytest.mark.parametrize("complain", COMPLAINTS.values(), ids=COMPLAINTS)
@pytest.mark.parametrize("planted", [ADDRESS, SECRET, CLASSIC], ids=["address", "secret", "token"])
def test_an_error_of_a_library_by_itself_tells_no_secret(complain, planted):
    def fail():
        with errors_redacted():
            complain(planted)

    with pytest.raises(Exception, match="redacted") as caught:
        fail()
    assert planted not in shown(caught.value).encode().decode("unicode_escape")


def test_an_error_that_tells_no_secret_stays_as_it_is():
    error = OSError(28, "No space left on device")

    def fail():
        with errors_redacted():
            raise error

    with pytest.raises(OSError, match="No space left") as caught:
        fail()
    assert caught.value is error
    assert caught.value.errno == 28


def test_what_a_library_repeats_is_cut():
    """A value of a megabyte would be stored with every traceback that shows it."""
    error = redacted(ValueError("could not read " + "x" * 1_000_000))
    assert len(str(error)) <= LONGEST_CAUSE + 1


def test_errors_that_cause_each_other_are_redacted_once():
    one, other = ValueError(ADDRESS), ValueError(CLASSIC)
    one.__cause__, other.__context__ = other, one
    assert ADDRESS not in shown(redacted(one))
    assert str(other) == "[redacted]"


@pytest.mark.parametrize(
    "text",
    [
        ADDRESS,
        "root@localhost",
        '"ann smith"@example.com',
        "ann@[192.0.2.1]",
        "<ann@example.com>",
        "17+ann@users.noreply.github.com",
        "zoë@exämple.com",
        f"https://ann:{SECRET}@example.com/",
        "Authorization: Bearer abc",
        "Basic eDpzZWNyZXQ=",
        CLASSIC,
        "github_pat_11AAAA_bbbb",
        SECRET,
        "Correct-Horse%2F%22Battery",
        'Correct-Horse/\\"Battery',
        base64.b64encode(f"x-access-token:{SECRET}".encode()).decode(),
    ],
)
def test_what_is_redacted(text):
    written = redact(f"before {text} after")
    assert "[redacted]" in written
    for word in ("ann", "Horse", "abc", "eDpz", "secret", "AAAA", "example", "Q29y", "root", "192"):
        assert word not in written
    assert written.startswith("before ")
    assert written.endswith(" after")


@pytest.mark.parametrize(
    "text", ["facebook/react: 404 Not Found", "@me needs a token", "HEAD@{1}", "at 12:00:00 (in 5 s)", "a" * 40]
)
def test_what_is_not(text):
    assert redact(text) == text


def test_a_short_secret_does_not_tear_words_apart():
    """The demo's token is demo, and so is the name of its folder."""
    register_secret("demo")
    register_secret("")
    register_secret(None)
    assert redact("/data/demo") == "/data/demo"


@pytest.mark.parametrize("text", ["x" * 1_000_000, '"' * 100_000, "a@" * 100_000, "x " * 500_000])
def test_long_text_takes_no_time(text):
    start = time.process_time()
    redact(text)
    assert time.process_time() - start < 2.0


# Where it is shown


@pytest.fixture
def logs(monkeypatch):
    """Logs as the command line configures them; afterwards as they were."""
    for module, name in ((sys, "excepthook"), (threading, "excepthook")):
        monkeypatch.setattr(module, name, getattr(module, name))  # put back at the end
    formatter = logging.lastResort.formatter
    yield configure_logs
    structlog.reset_defaults()
    logging.lastResort.setFormatter(formatter)


@pytest.mark.parametrize(("verbosity", "said"), [(0, ["one"]), (1, ["one", "two"]), (2, ["one", "two", "three"])])
def test_more_is_said_with_each_v(logs, capsys, verbosity, said):
    logs(verbosity)
    log = structlog.get_logger()
    log.warning("one")
    log.info("two")
    log.debug("three")
    lines = capsys.readouterr().err.splitlines()
    assert [line.rpartition("event=")[2].strip("'") for line in lines] == said


def test_no_line_holds_a_secret_however_it_is_nested(logs, capsys):
    logs(2)
    try:
        COMPLAINTS["arrow, a date"](ADDRESS)
    except pa.ArrowInvalid:
        structlog.get_logger().exception("failed", path=["x", {"y": CLASSIC}], text=SECRET)
    written = capsys.readouterr().err
    assert "failed" in written
    assert "Traceback" in written
    for secret in (ADDRESS, CLASSIC, "Horse"):
        assert secret not in written


def test_a_traceback_that_nobody_expected_holds_no_secret(logs, capsys):
    logs(0)
    error = ValueError(f"{ADDRESS} {CLASSIC}")
    sys.excepthook(ValueError, error, None)
    thread = threading.Thread(target=lambda: COMPLAINTS["duckdb"](ADDRESS))
    thread.start()
    thread.join()
    written = capsys.readouterr().err
    assert written.count("[redacted]") >= 3
    assert ADDRESS not in written
    assert CLASSIC not in written


def test_a_librarys_warning_holds_no_secret(logs, capsys):
    logs(0)
    record = logging.LogRecord("httpx", logging.WARNING, "", 0, "sent to %s", (ADDRESS,), None)
    logging.lastResort.handle(record)
    assert capsys.readouterr().err == "sent to [redacted]\n"


def failing_step(number, complain):
    @dg.op(name=f"step_{number}")
    def step():
        with errors_redacted():
            try:
                complain(ADDRESS)
            except Exception as cause:
                raise HistoryCorrupt(f"acme/anvil: {SECRET}") from cause

    return step


def test_dagsters_history_holds_no_secret(tmp_path):
    """It keeps the traceback of every step that failed, with the messages of all causes."""
    steps = [failing_step(number, complain) for number, complain in enumerate(COMPLAINTS.values())]
    job = dg.GraphDefinition(name="job", node_defs=steps).to_job()
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        result = job.execute_in_process(instance=instance, raise_on_error=False)
        assert sum(event.is_step_failure for event in result.all_events) == len(COMPLAINTS)
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"acme/anvil: [redacted]" in kept
    assert b"ann@example" not in kept
    assert b"Horse" not in kept
