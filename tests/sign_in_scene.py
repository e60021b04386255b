"""A stand-in and an OAuth client of ours that share a clock in which waiting takes no time."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from fake_time import FakeTime

from git_contrib_assets.sources.github.sign_in import OAuthServer
from github_stand_in.changes import create, profile
from github_stand_in.oauth import OAuthSettings
from github_stand_in.server import StandIn, running

CLIENT = OAuthSettings().client_id


class SharedTime(FakeTime):
    """Time that passes at once; ``then`` happens at the beginning of a pause, by its number."""

    def __init__(self) -> None:
        super().__init__()
        self.then: dict[int, Callable[[], object]] = {}

    async def pass_over(self, seconds: float) -> None:
        await super().pass_over(seconds)
        self.then.pop(len(self.slept), lambda: None)()


def build(root: Path) -> Path:
    """Ann, who belongs to the organisation acme; each has a repository, acme a private one too."""
    create(root, "acme/tools")
    create(root, "acme/secret", private=True)
    create(root, "ann/notes", owner_type="User")
    profile(root, "ann", id=11, organisations=["acme"])
    return root


@contextmanager
def github_in_time(root: Path, time: FakeTime) -> Iterator[StandIn]:
    """The stand-in over that small world, by this clock."""
    with running(build(root), clock=time) as stand_in:
        yield stand_in


def oauth_server(github: StandIn, time: FakeTime, client_id: str = CLIENT) -> OAuthServer:
    """Our side of it."""
    return OAuthServer(github.server_url, client_id, clock=time, sleep=time.pass_over)


def only_code(github: StandIn) -> str:
    """The code of the one device that waits."""
    (asked,) = github.oauth()["requests"]
    return str(asked["user_code"])
