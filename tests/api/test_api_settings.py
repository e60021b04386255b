"""The environment is read once, and needs nothing set."""

from pathlib import Path

import pytest

from api.settings import Settings


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
