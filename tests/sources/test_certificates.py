"""A server whose certificate comes from an authority of its own, as in companies: not trusted until that is named."""

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
from crawl_scene import history_source, listed
from fake_time import FakeTime
from git_server import GitServer, serving
from github_scene import github_settings

from git_contrib_assets.errors import GitHubUnavailable, HistoryUnavailable
from git_contrib_assets.sources.github.client import GitHubClient
from git_contrib_assets.sources.github.limits import Budget
from git_contrib_assets.sources.histories.cancellation import Cancellation

ANVIL = listed(101, "acme/anvil")


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def trusted(authority: trustme.CA, tmp_path: Path) -> str:
    """The file that names the authority."""
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    return str(tmp_path / "authority.pem")


@pytest.fixture
def https(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[GitServer]:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    (tmp_path / "git").mkdir()
    with serving(tmp_path / "upstream", tls) as server:
        server.create("acme/anvil", b"Ann <ann@example.com>")
        yield server


def test_git(https: GitServer, tmp_path: Path, trusted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    source = history_source(https, tmp_path / "git")
    with pytest.raises(HistoryUnavailable, match=r"acme/anvil.*certificate.*SSL_CERT_FILE"):
        source.read(ANVIL, cancellation=Cancellation())
    monkeypatch.setenv("SSL_CERT_FILE", trusted)
    history = source.read(ANVIL, cancellation=Cancellation())
    assert sum(batch.num_rows for batch in history.batches) == 1


async def test_rest(https: GitServer, trusted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    time = FakeTime()
    budget = Budget(max_wait=60.0, on_wait=lambda _: None, clock=time, sleep=time.pass_over)
    settings = github_settings(None, api_url=https.url)
    async with GitHubClient(settings, budget) as client:
        with pytest.raises(GitHubUnavailable, match=r"orgs/acme/repos.*certificate.*SSL_CERT_FILE"):
            await client.get("/orgs/acme/repos")
    assert time.slept == []  # it will not be another one in a minute
    monkeypatch.setenv("SSL_CERT_FILE", trusted)
    async with GitHubClient(settings, budget) as client:
        assert (await client.get("/orgs/acme/repos")).status_code == 404


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_file_without_certificates(content: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if content:
        (tmp_path / "authority.pem").write_text(content)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    with pytest.raises(GitHubUnavailable, match="SSL_CERT_FILE"):
        GitHubClient(github_settings(), Budget(max_wait=60.0, on_wait=lambda _: None))
