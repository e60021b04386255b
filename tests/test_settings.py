"""What the environment may say, and what is refused before anything is done."""

import os
from pathlib import Path
from unittest.mock import patch

import pytest

from git_contrib_assets.errors import UsageError
from git_contrib_assets.logs import redact
from git_contrib_assets.settings import Settings, current, using


def settings(**environment):
    """The settings of a process with this environment only."""
    with patch.dict(os.environ, environment, clear=True):
        return Settings.from_environment()


def test_without_a_word_it_is_github():
    plain = settings()
    assert (plain.api_url, plain.graphql_url) == ("https://api.github.com", "https://api.github.com/graphql")
    assert (plain.server_url, plain.targets, plain.token, plain.source) == (
        "https://github.com",
        ("facebook",),
        None,
        "auto",
    )
    assert plain.home == Path("data").absolute()


def test_the_settings_of_a_process_are_those_chosen(monkeypatch):
    """The command line chooses; else the environment counts."""
    monkeypatch.setenv("GITHUB_TOKEN", "ours")
    with using(settings()) as chosen:
        assert current() is chosen
    assert current().token.get_secret_value() == "ours"


def test_a_field_that_is_given_counts_instead_of_its_variable():
    with patch.dict(os.environ, {"GIT_CONTRIB_HOME": "/srv/a", "HOME": "/root"}, clear=True):
        assert Settings.from_environment(home="/srv/b").home == Path("/srv/b")
        assert Settings.from_environment().home == Path("/srv/a")


def test_a_child_reads_the_same_settings():
    """Whatever is chosen reaches the programs that the supervisor starts."""
    given = settings(
        GITHUB_API_URL="https://ghe.test/api/v3",
        GITHUB_TOKEN="ghp_abc",
        GIT_CONTRIB_TARGETS="a, b/c",
        GIT_CONTRIB_OAUTH_CLIENT_ID="Iv1.0",
    )
    assert settings(**given.environment()) == given
    given = settings(GIT_CONTRIB_POSTGRES_URL="postgresql://ann:open-sesame@db.example/stats")
    assert settings(**given.environment()) == given


def test_an_empty_variable_is_not_set():
    assert settings(GITHUB_TOKEN=" ", GITHUB_API_URL="", GIT_CONTRIB_TARGETS="  ") == settings()


@pytest.mark.parametrize("home", ["/srv/a?b", "/srv/a%20b", "/srv/%2Fb", "~no-such-user-here/data"])
def test_a_home_that_nothing_can_live_in(home):
    with pytest.raises(UsageError, match="GIT_CONTRIB_HOME"):
        settings(GIT_CONTRIB_HOME=home)


@pytest.mark.parametrize("home", ["/srv/a%b", "/srv/a b", "/srv/ü#1"])
def test_a_home_of_any_other_name(home):
    assert settings(GIT_CONTRIB_HOME=home).home == Path(home)


@pytest.mark.parametrize(
    ("api", "graphql"),
    [
        ("https://ghe.test/api/v3", "https://ghe.test/api/graphql"),
        ("https://ghe.test/api/v3/", "https://ghe.test/api/graphql"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080/graphql"),
    ],
)
def test_graphql_lies_beside_the_api(api, graphql):
    assert settings(GITHUB_API_URL=api).graphql_url == graphql
    assert settings(GITHUB_API_URL=api, GITHUB_GRAPHQL_URL="https://else.test/g").graphql_url == "https://else.test/g"


@pytest.mark.parametrize(
    ("api", "server"),
    [
        ("https://api.github.com", "https://github.com"),
        ("https://ghe.test/api/v3", "https://ghe.test"),
        ("https://api.acme.ghe.com", "https://acme.ghe.com"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://[::1]:8080/rest", "http://[::1]:8080"),
    ],
)
def test_git_lies_beside_the_api(api, server):
    """The token goes there too: never to github.com because only another API was named."""
    assert settings(GITHUB_API_URL=api).server_url == server
    assert settings(GITHUB_API_URL=api, GITHUB_SERVER_URL="https://else.test").server_url == "https://else.test"


@pytest.mark.parametrize("name", ["GITHUB_API_URL", "GITHUB_GRAPHQL_URL", "GITHUB_SERVER_URL"])
@pytest.mark.parametrize(
    "address",
    [
        "api.github.com",
        "ftp://api.github.com",
        "https://",
        "https://ann:secret@api.github.com",
        "https://ann@api.github.com",
        "https://@api.github.com",
        "https://[bad",
        "https://api.github.com:port",
        "https://api.github.com:99999",
        "file:///etc",
    ],
)
def test_an_address_that_is_none(name, address):
    with pytest.raises(UsageError, match=name) as caught:
        settings(**{name: address})
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("token", ["ghp_abc\ndef", "ghp_abc def", "ghp_\x01", "ghp_ä", "“ghp_abc”"])
def test_a_token_that_fits_into_no_header_is_refused_and_not_shown(token):
    with pytest.raises(UsageError, match="GITHUB_TOKEN") as caught:
        settings(GITHUB_TOKEN=token)
    assert "ghp_" not in str(caught.value)


def test_a_token_is_not_shown():
    one = settings(GITHUB_TOKEN=" ghp_abc\n")
    assert one.token.get_secret_value() == "ghp_abc"
    assert "ghp_abc" not in repr(one)


@pytest.mark.parametrize("client_id", ["two words", "Iv1.\nabc", "x" * 256, "ä"])
def test_a_client_id_that_is_none(client_id):
    with pytest.raises(UsageError, match="GIT_CONTRIB_OAUTH_CLIENT_ID"):
        settings(GIT_CONTRIB_OAUTH_CLIENT_ID=client_id)


def test_targets_are_a_list():
    assert settings(GIT_CONTRIB_TARGETS=" facebook, react/react ,,@me,").targets == ("facebook", "react/react", "@me")


def test_a_source_that_does_not_exist():
    with pytest.raises(UsageError, match="GIT_CONTRIB_SOURCE"):
        settings(GIT_CONTRIB_SOURCE="svn")
    assert settings(GIT_CONTRIB_SOURCE="GIT").source == "git"


@pytest.mark.parametrize("token", ["x" * 31, "short", "x" * 40 + " y", "x" * 40 + "\u00e9", "x" * 40 + "\n" + "y"])
def test_a_token_of_the_api_that_can_be_guessed_is_refused_and_not_shown(token):
    """With what to do instead."""
    with pytest.raises(UsageError, match="GIT_CONTRIB_API_TOKEN must have at least 32 characters") as caught:
        settings(GIT_CONTRIB_API_TOKEN=token)
    assert token not in str(caught.value)
    assert "secrets.token_urlsafe" in str(caught.value)


def test_the_token_of_the_api_is_a_secret():
    """It is in no text of the settings, in no log, and in the environment of no child but the API."""
    token = "a-token-of-the-API-with-enough-characters"
    given = settings(GIT_CONTRIB_API_TOKEN=f" {token} ")
    assert given.api_token.get_secret_value() == token
    assert token not in repr(given)
    assert token not in redact(f"with {token}")
    assert token not in given.environment().values()
    assert given.api_environment() == {"GIT_CONTRIB_API_TOKEN": token}
    assert settings().api_environment() == {}
