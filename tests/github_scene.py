"""A GitHub client in fake time; what it hears is told by pytest-httpx."""

import ssl
from pathlib import Path

import httpx
from fake_time import FakeTime

from git_contrib_assets.settings import Settings
from git_contrib_assets.sources.github.client import GitHubClient
from git_contrib_assets.sources.github.limits import Budget
from git_contrib_assets.sources.github.transfer import Patience

API = "https://api.github.com"
GRAPHQL = f"{API}/graphql"
CERTIFICATES = ssl.create_default_context()  # to make one takes longer than most tests
TOKEN = "ghp_0123456789secret"


def github_settings(
    token: str | None = TOKEN, *, api_url: str = API, graphql_url: str = GRAPHQL, server_url: str = "https://github.com"
) -> Settings:
    """Settings as the environment would give them."""
    return Settings(
        home=Path("home"),
        targets=("acme",),
        token=token,
        api_url=api_url,
        graphql_url=graphql_url,
        server_url=server_url,
    )


class GitHubScene:
    """Waits pass at once and are kept in ``time.slept``; what is said about them in ``said``."""

    def __init__(
        self,
        token: str | None = TOKEN,
        *,
        max_wait: float = 3900.0,
        settings: Settings | None = None,
        patience: Patience | None = None,
    ) -> None:
        self.time = FakeTime()
        self.said: list[str] = []
        self.budget = Budget(max_wait=max_wait, on_wait=self.said.append, clock=self.time, sleep=self.time.pass_over)
        transport = httpx.AsyncHTTPTransport(verify=CERTIFICATES)  # pytest-httpx answers in its place
        self.client = GitHubClient(
            settings or github_settings(token), self.budget, transport=transport, patience=patience or Patience()
        )
