"""Which URLs name a database, and that no word about one holds a password."""

import logging
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from git_contrib_assets.errors import UsageError
from git_contrib_assets.logs import redact
from git_contrib_assets.serving.postgresql.address import Address, chosen_address
from git_contrib_assets.settings import Settings

PLACES = {
    "postgresql://ann@db.example:5432/stats": "db.example:5432/stats",
    "postgres://db.example": "db.example",
    "postgresql:///stats": "localhost/stats",
    "postgresql:///stats?host=/var/run/postgresql": "/var/run/postgresql/stats",
    "postgresql:///?service=stats": "stats/",
    "postgresql://ann@one.example:5432,two.example/stats?target_session_attrs=read-write": "one.example:5432,two.example/stats",
    "postgresql://[::1]:5432/stats": "[::1]:5432/stats",
    "postgresql://ann@db.example/my%20stats": "db.example/my stats",
}
MALFORMED = [
    "db.example/stats",
    "host=db.example password=open-sesame",
    "mysql://ann@db.example/stats",
    "postgresql://[::1/stats",
    "postgresql://ann:open-sesame/half@db.example/stats",
    "postgresql://ann:open-sesame@half@db.example/stats",
    "postgresql://ann:open-sesame?half@db.example/stats",
    "postgresql://ann:open-sesame#half@db.example/stats",
    "postgresql://ann:12/open-sesame@db.example/stats",
    "postgresql://ann:open-sesame half@db.example/stats",
    "postgresql://ann:open-sesame@db.example/stats\n",
    "postgresql://ann:open-sesame@db.example:port/stats",
]


def from_environment(url: str) -> Address:
    return chosen_address(None, Settings.from_environment(postgres_url=SecretStr(url)))


@pytest.mark.parametrize("url", PLACES)
def test_a_url_as_libpq_has_them(url: str) -> None:
    """From the command line and from the environment alike; told by its place."""
    argument = chosen_address(url, Settings.from_environment(postgres_url=SecretStr("postgresql://elsewhere")))
    assert argument == from_environment(url)
    assert argument.place == PLACES[url]
    assert argument.url.startswith(url)
    assert argument.secrets == ()


def test_a_server_that_is_silent_is_not_waited_for_for_ever() -> None:
    assert "&connect_timeout=15&" in chosen_address("postgresql://db.example/a?sslmode=require", Settings()).url
    assert chosen_address("postgresql://db.example/a?connect_timeout=3", Settings()).url.count("connect_timeout") == 1


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://ann:open-sesame@db.example/stats",
        "postgresql://:open-sesame@db.example/stats",
        "postgresql://ann@db.example/stats?password=open-sesame",
        "postgresql://ann@db.example/stats?sslpassword=open-sesame",
        "postgresql://ann:x@db.example/stats",
    ],
)
def test_a_password_in_the_argument_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match="every user of this machine can see") as raised:
        chosen_address(url, Settings())
    assert "sesame" not in str(raised.value)
    assert from_environment(url).secrets


@pytest.mark.parametrize("url", MALFORMED)
def test_what_is_no_url_is_refused_without_being_shown(url: str) -> None:
    """libpq would look elsewhere for the host, and say where: with half of the password."""
    for choose in (lambda: chosen_address(url, Settings()), lambda: from_environment(url)):
        with pytest.raises(UsageError, match="write it as postgresql://user@host:5432/database") as raised:
            choose()
        assert "half" not in str(raised.value)
        assert "sesame" not in str(raised.value)
        assert raised.value.__cause__ is None
        assert raised.value.__suppress_context__ or raised.value.__context__ is None


def test_without_a_url_the_command_says_what_it_takes() -> None:
    with pytest.raises(UsageError, match="set GIT_CONTRIB_POSTGRES_URL"):
        chosen_address(None, Settings())


@given(st.text(string.printable + "äß🦆", min_size=1, max_size=30))
def test_no_word_about_an_address_holds_its_password(password: str) -> None:
    """As it is or as it is written in the URL, whatever libpq repeats."""
    from urllib.parse import quote

    written = quote(password, safe="")
    address = from_environment(f"postgresql://ann:{written}@db.example/stats")
    assert set(address.secrets) == {password, written}
    for shown in (repr(address), address.place):
        assert address.url not in shown
        assert f":{written}" not in shown
    marked = f"<{password}> <{written}>"
    cause = address.cause(marked)
    assert f"<{password}>" not in cause
    assert f"<{written}>" not in cause
    if len(password) >= 6:
        assert redact(marked) == "<[redacted]> <[redacted]>"


def test_a_cause_is_one_line_of_bounded_length() -> None:
    cause = from_environment("postgresql://db.example").cause("first\nsecond\x1b[31m " + "x" * 10_000)
    assert cause.startswith("first second")
    assert len(cause) == 300


def test_settings_show_no_url(caplog: pytest.LogCaptureFixture) -> None:
    url = "postgresql://ann:open-sesame@db.example/stats"
    settings = Settings.from_environment(postgres_url=SecretStr(url))
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("test").warning("%s", settings)
    assert "sesame" not in caplog.text + repr(settings) + str(settings)
    assert redact(f"cannot use {url}") == "cannot use [redacted]"
