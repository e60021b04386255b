"""The environment is read once, and needs nothing set."""

from pathlib import Path

import pytest

from api.kit.settings import Settings


@pytest.mark.parametrize(
    ("environment", "published"),
    [
        ({}, Path.cwd() / "data" / "published"),
        ({"GIT_CONTRIB_HOME": " "}, Path.cwd() / "data" / "published"),
        ({"GIT_CONTRIB_HOME": "/srv/contrib"}, Path("/srv/contrib/published")),
        ({"GIT_CONTRIB_HOME": "~/contrib"}, Path.home() / "contrib" / "published"),
    ],
)
def test_home(environment, published):
    """Empty counts as not set; what is relative counts from the folder the server was started in."""
    assert Settings.from_environment(environment).published == published


@pytest.mark.parametrize(
    ("server", "given"),
    [
        ("", "https://github.com"),
        ("https://git.example.org/", "https://git.example.org"),
        ("https://git.example.org/hub", "https://git.example.org/hub"),
        ("https://someone:secret@git.example.org", None),
        ("file:///srv/git", None),
        ("http://[", None),
    ],
)
def test_server_of_the_links(server, given):
    """An Enterprise server's own address; none at all rather than one with somebody's password in it."""
    assert Settings.from_environment({"GITHUB_SERVER_URL": server}).server_url == given
    assert Settings(published=Path()).server_url == "https://github.com"
