"""The connection to GitHub: whom it trusts, through which proxy it goes, and who it says it is."""

import asyncio
import ssl
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from typing import TypeVar

import httpx

from git_contrib_assets.errors import GitHubUnavailable
from git_contrib_assets.logs import redacted

USER_AGENT = f"git-contrib/{version('git-contrib')}"
_TIMEOUT = httpx.Timeout(None, connect=10.0)  # the whole of a request has a bound: Patience

Result = TypeVar("Result")


def http_client(transport: httpx.AsyncBaseTransport | None, headers: Mapping[str, str]) -> httpx.AsyncClient:
    """A client that follows no redirects and sends these headers with every request.

    Raises GitHubUnavailable for certificates or a proxy of the environment that cannot be used.
    """
    try:
        return httpx.AsyncClient(
            verify=_certificates() if transport is None else True,
            timeout=_TIMEOUT,
            transport=transport,
            follow_redirects=False,
            headers={"User-Agent": USER_AGENT, **headers},
        )
    except (ValueError, ImportError, httpx.InvalidURL) as error:  # its text may hold the password of the proxy
        raise GitHubUnavailable(
            "The proxy that HTTPS_PROXY, HTTP_PROXY or ALL_PROXY names cannot be used: correct or unset it"
        ) from redacted(error)


def is_untrusted(error: Exception) -> bool:
    """Whether a request failed because nobody that we trust vouches for the server's certificate."""
    return "CERTIFICATE_VERIFY_FAILED" in str(error)


async def in_own_thread(work: Callable[[], Result]) -> Result:
    """Run blocking work beside the event loop, in a thread of its own.

    The threads that the loop shares may all be busy with readers that wait for what this work brings.
    """
    with ThreadPoolExecutor(1, "own") as thread:
        return await asyncio.get_running_loop().run_in_executor(thread, work)


def _certificates() -> ssl.SSLContext:
    """The authorities that are trusted: well-known ones, or those of SSL_CERT_FILE and SSL_CERT_DIR."""
    try:
        return httpx.create_ssl_context()
    except OSError as error:
        raise GitHubUnavailable(
            f"SSL_CERT_FILE or SSL_CERT_DIR holds no certificates ({error}): correct or unset it"
        ) from error
