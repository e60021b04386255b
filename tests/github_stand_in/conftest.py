"""A stand-in over the bundled organisation, and one over a small world of its own that a test may change."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from stand_in_helpers import people

from github_stand_in import organisation
from github_stand_in.changes import create, link, push
from github_stand_in.server import NO_CERTIFICATES, StandIn, running


@pytest.fixture(scope="session")
def bundled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return organisation.build(tmp_path_factory.mktemp("organisation"))


@pytest.fixture(scope="session")
def _shared(bundled: Path) -> Iterator[StandIn]:
    with running(bundled, tokens=["good"]) as stand_in:
        yield stand_in


@pytest.fixture
def harbor(_shared: StandIn) -> StandIn:
    """The bundled organisation; nothing in it may be changed."""
    _shared.clear_faults()
    _shared.limits(core=5000)
    _shared.forget_requests()
    return _shared


@pytest.fixture(scope="session")
def _small_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("small")
    create(root, "acme/tools")
    create(root, "acme/empty")
    create(root, "acme/secret", private=True)
    create(root, "ann/notes", owner_type="User")
    push(root, "acme/tools", people("ann", "bob", "cleo", "ann"))
    push(root, "acme/secret", people("ann"))
    push(root, "ann/notes", people("ann"))
    link(root, "ann@example.invalid", "ann", 11)
    link(root, "bob@example.invalid", "helper[bot]", 12)
    return root


@pytest.fixture
def small(_small_root: Path, tmp_path: Path) -> Iterator[StandIn]:
    """An organisation of three repositories and a user with one, free to be changed."""
    root = tmp_path / "world"
    shutil.copytree(_small_root, root)
    tokens = ["good", "owner=ann:repo:acme", "scopeless=ann::acme"]
    with running(root, tokens=tokens) as stand_in:
        yield stand_in


def _client(stand_in: StandIn, token: str | None) -> httpx.Client:
    headers = {"user-agent": "tests", **({"authorization": f"Bearer {token}"} if token else {})}
    return httpx.Client(base_url=stand_in.api_url, headers=headers, timeout=60, trust_env=False, verify=NO_CERTIFICATES)


@pytest.fixture
def api(small: StandIn) -> Iterator[httpx.Client]:
    with _client(small, "good") as client:
        yield client


@pytest.fixture
def harbor_api(harbor: StandIn) -> Iterator[httpx.Client]:
    with _client(harbor, "good") as client:
        yield client
