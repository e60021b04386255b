"""The environment is read once, and nothing needs to be set."""

from dataclasses import fields
from pathlib import Path

import pytest

from api.kit.settings import Settings
from git_contrib_assets.errors import UsageError

VARIABLES = ("GIT_CONTRIB_HOME", "GITHUB_SERVER_URL", "GIT_CONTRIB_API_TOKEN")


@pytest.fixture
def environment(monkeypatch):
    """An environment with nothing of ours but what is given."""

    def given(**values: str) -> None:
        for name in VARIABLES:
            monkeypatch.delenv(name, raising=False)
        for name, value in values.items():
            monkeypatch.setenv(name, value)

    return given


@pytest.mark.parametrize(
    ("variables", "published"),
    [
        ({}, Path.cwd() / "data" / "published"),
        ({"GIT_CONTRIB_HOME": ""}, Path.cwd() / "data" / "published"),
        ({"GIT_CONTRIB_HOME": " "}, Path.cwd() / "data" / "published"),
        ({"GIT_CONTRIB_HOME": "/srv/contrib"}, Path("/srv/contrib/published")),
        ({"GIT_CONTRIB_HOME": "~/contrib"}, Path.home() / "contrib" / "published"),
    ],
)
def test_home(environment, variables, published):
    """Empty counts as not set; a relative path counts from the folder that the server was started in."""
    environment(**variables)
    assert Settings.from_environment().published == published


@pytest.mark.parametrize(
    ("server", "given"),
    [
        ("", "https://github.com"),
        ("https://git.example.org/", "https://git.example.org"),
        ("https://git.example.org/hub", "https://git.example.org/hub"),
    ],
)
def test_server_of_the_links(environment, server, given):
    """An Enterprise server's own URL."""
    environment(GITHUB_SERVER_URL=server)
    assert Settings.from_environment().server_url == given
    assert Settings(published=Path()).server_url == "https://github.com"


@pytest.mark.parametrize("server", ["https://someone:secret@git.example.org", "file:///srv/git", "http://["])
def test_a_server_that_no_link_may_name(environment, server):
    """It is refused, without showing a password that may be in it."""
    environment(GITHUB_SERVER_URL=server)
    with pytest.raises(UsageError, match="GITHUB_SERVER_URL must be") as caught:
        Settings.from_environment()
    assert "secret" not in str(caught.value)


def test_the_limits_are_not_in_the_environment(environment):
    """A variable that happens to have the name of a limit changes nothing."""
    environment(**{name: "1" for field in fields(Settings) for name in (field.name, field.name.upper())})
    limits = Settings.from_environment()
    assert limits == Settings(published=limits.published)


def test_the_token(environment):
    """None unless it is set; one that can be guessed is refused when the server starts."""
    environment()
    assert Settings.from_environment().token is None
    environment(GIT_CONTRIB_API_TOKEN="x" * 32)
    assert Settings.from_environment().token.get_secret_value() == "x" * 32
    environment(GIT_CONTRIB_API_TOKEN="x" * 31)
    with pytest.raises(UsageError, match="GIT_CONTRIB_API_TOKEN"):
        Settings.from_environment()
