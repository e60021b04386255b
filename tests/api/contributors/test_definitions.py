"""The definitions in words, which stand beside the numbers."""

import pytest

from api.contributors.definitions import DEFINITIONS
from api.contributors.parameters import STATES
from git_contrib_assets.serving.contract.contributors import REPOSITORIES, SNAPSHOT
from git_contrib_assets.tables import Table


def described(table: Table, name: str) -> str:
    """What the published column means."""
    return next(column.description for column in table.columns if column.name == name)


def test_every_state_is_explained():
    """The states of the API are those of the published column."""
    explained = DEFINITIONS["state"].replace(":", ",").replace(".", ",").split(",")
    assert {*STATES} <= {word.strip() for word in explained}
    column = described(REPOSITORIES, "state").replace(" or ", ", ")
    assert {*STATES} == {word.strip() for word in column.split(",")}


@pytest.mark.parametrize("identity", ["account", "partial", "email"])
def test_every_identity_is_explained(identity):
    """And is one of the published column."""
    assert f"{identity}:" in DEFINITIONS["identity"]
    assert identity in described(SNAPSHOT, "identity")
