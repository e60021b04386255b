"""A GitHub client in fake time."""

import pytest
from github_scene import GitHubScene


@pytest.fixture
async def scene(httpx_mock):
    """A client whose waits pass at once; what it hears is told by ``httpx_mock``."""
    scene = GitHubScene()
    async with scene.client:
        yield scene
