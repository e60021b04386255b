"""The GitHub client: authentication, paging, limits, retries, redirects.

It hands back every reply that is final, good or bad, and leaves its meaning to the caller; it raises
where no caller could go on (401, a limit that lasts too long, no answer).
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from importlib.metadata import version
from types import TracebackType
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

import httpx
import orjson
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_after_attempt, wait_exponential_jitter

from git_contrib_assets.errors import GitHubUnavailable, LimitReached, NotAllowed, TokenRefused
from git_contrib_assets.settings import Settings
from git_contrib_assets.sources.github.limits import Budget, Meaning, judge

CONCURRENCY = 8
API_VERSION = "2022-11-28"
_MAX_REDIRECTS = 5
_MAX_LIMITS = 20
_MAX_POLLS = 20
_ATTEMPTS = 5
_TIMEOUT = httpx.Timeout(30.0, connect=10.0)
_growing = wait_exponential_jitter(multiplier=0.5, max=20.0, jitter=0.5)


class QueryTooHeavy(GitHubUnavailable):
    """The question ran into GitHub's clock (500, 502, 504, timeout): ask for less at once."""


class _TryAgain(Exception):
    """No usable reply; the text says what came instead, ``seconds`` when the server wants to be asked again.

    ``heavy`` where the server was reached but did not get the answer together.
    """

    def __init__(self, text: str, seconds: float | None = None, *, heavy: bool = False) -> None:
        super().__init__(text)
        self.seconds = seconds
        self.heavy = heavy


class GitHubClient:
    """Use as ``async with GitHubClient(settings, budget) as client``; all clients of a process share one budget."""

    def __init__(
        self, settings: Settings, budget: Budget, *, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._settings = settings
        self._budget = budget
        self._places = asyncio.Semaphore(CONCURRENCY)
        self._trusted = {_origin(settings.api_url), _origin(settings.graphql_url)}
        self._http = httpx.AsyncClient(
            verify=_certificates() if transport is None else True,
            timeout=_TIMEOUT,
            transport=transport,
            follow_redirects=False,
            headers={
                "Accept": "application/vnd.github+json",
                "User-Agent": f"git-contrib/{version('git-contrib')}",
                "X-GitHub-Api-Version": API_VERSION,
            },
        )

    async def __aenter__(self) -> "GitHubClient":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    @property
    def signed_in(self) -> bool:
        """Whether there is a token."""
        return self._settings.token is not None

    @property
    def budget(self) -> Budget:
        """The budget that all requests share."""
        return self._budget

    async def learn_limits(self) -> None:
        """Ask what is left, which costs nothing, unless that is known: so that the first request is not one too many."""
        if self._budget.allowance("core") is None:
            await self.get("/rate_limit")

    async def get(self, path: str, parameters: Mapping[str, str | int] | None = None) -> httpx.Response:
        """One REST resource, redirects followed, 202 polled.

        Raises NotAllowed, LimitReached or GitHubUnavailable; any other status is the caller's.
        """
        url = f"{self._absolute(path)}?{urlencode(parameters)}" if parameters else self._absolute(path)
        for _ in range(_MAX_REDIRECTS + 1):
            response = await self._send("GET", url, "core")
            if response.status_code not in {301, 302, 303, 307, 308} or "location" not in response.headers:
                return response
            url = _resolved(url, response.headers["location"]) or ""
            if not url:
                raise GitHubUnavailable(f"{path} redirects to what is no address: check GITHUB_API_URL")
        raise GitHubUnavailable(f"{path} redirects in circles: try again later")

    async def pages(self, path: str, parameters: Mapping[str, str | int]) -> AsyncIterator[httpx.Response]:
        """Every page of a list, by its Link headers. A reply other than 200 is yielded too, and ends the list.

        Raises GitHubUnavailable when a page names another host as the next: it is not asked.
        """
        response = await self.get(path, {"per_page": 100, **parameters})
        while True:
            yield response
            following = response.links.get("next", {}).get("url")
            if response.status_code != 200 or not following:
                return
            following = _resolved(str(response.url), following)
            if following is None or _origin(following) not in self._trusted:
                raise GitHubUnavailable(
                    f"{path}: the next page lies on another host ({following and urlsplit(following).hostname}): "
                    "check GITHUB_API_URL; nothing was sent there"
                )
            response = await self.get(following)

    async def graphql(self, query: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """Data and errors of one query; both may hold something at once, so look at every null.

        Raises QueryTooHeavy, NotAllowed, LimitReached or GitHubUnavailable.
        """
        response = await self._send(
            "POST", self._settings.graphql_url, "graphql", content=orjson.dumps({"query": query})
        )
        body = _json(response)
        if response.status_code == 403:
            raise NotAllowed(f"GitHub refuses the account look-up: {explain(response)}")
        if response.status_code != 200 or not isinstance(body, dict):
            raise GitHubUnavailable(f"GitHub's GraphQL answered {explain(response)}: try again later")
        data, errors = body.get("data"), body.get("errors")
        return (
            data if isinstance(data, dict) else {},
            [error for error in errors if isinstance(error, dict)] if isinstance(errors, list) else [],
        )

    def _absolute(self, path: str) -> str:
        return path if "://" in path else self._settings.api_url + path

    async def _send(self, method: str, url: str, resource: str, content: bytes | None = None) -> httpx.Response:
        """Send until there is a final reply: limits are waited for, server errors tried again with growing waits."""
        polls = limits = 0
        while True:
            response = await self._attempts(method, url, resource, content)
            # A good page of a list says nothing about limits, and is long.
            body = None if (resource, response.status_code) == ("core", 200) else _json(response)
            verdict = judge(response.status_code, response.headers, body, now=self._budget.clock())
            match verdict.meaning:
                case Meaning.PRIMARY_LIMIT | Meaning.SECONDARY_LIMIT:
                    self._budget.limited(verdict)
                    limits += 1
                    if limits >= _MAX_LIMITS:
                        raise LimitReached(f"{limits} times limited by GitHub in a row: run again later", seconds=0.0)
                case Meaning.BAD_CREDENTIALS | Meaning.UNAUTHORISED:
                    raise TokenRefused(
                        f"GitHub refuses the token ({explain(response)}): set GITHUB_TOKEN to a valid one, or unset it; "
                        "what is landed is kept"
                    )
                case Meaning.COMPUTING if polls < _MAX_POLLS:
                    polls += 1
                    await self._budget.wait(verdict.seconds or 0.0, "GitHub is computing the answer")
                case _:
                    self._budget.succeeded()
                    return response

    async def _attempts(self, method: str, url: str, resource: str, content: bytes | None) -> httpx.Response:
        tries = 1 if resource == "graphql" else _ATTEMPTS
        try:
            async for attempt in AsyncRetrying(
                stop=stop_after_attempt(tries),
                wait=_pause,
                retry=retry_if_exception_type(_TryAgain),
                sleep=lambda seconds: self._budget.wait(seconds, f"{urlsplit(url).hostname} did not answer properly"),
                reraise=True,
            ):
                with attempt:
                    return await self._attempt(method, url, resource, content)
        except _TryAgain as failure:
            if resource == "graphql":
                raise QueryTooHeavy(f"GitHub's GraphQL did not answer ({failure}): try again later") from failure
            kind = QueryTooHeavy if failure.heavy else GitHubUnavailable
            raise kind(
                f"{_without_query(url)} did not answer properly ({failure}), {tries} times: "
                "check the network and GITHUB_API_URL, then run again"
            ) from failure
        raise AssertionError("unreachable: the loop returns or raises")

    async def _attempt(self, method: str, url: str, resource: str, content: bytes | None) -> httpx.Response:
        headers: httpx.Headers | None = None
        async with self._places:
            await self._budget.acquire(resource)
            try:
                response = await self._http.request(method, url, content=content, headers=self._authorization(url))
                headers = response.headers
            except (httpx.RequestError, httpx.InvalidURL) as error:
                if "CERTIFICATE_VERIFY_FAILED" in str(error):
                    raise GitHubUnavailable(
                        f"{_without_query(url)} has a certificate that is not trusted here: name its authority's file in "
                        "SSL_CERT_FILE"
                    ) from error
                heavy = isinstance(error, httpx.ReadTimeout)
                raise _TryAgain(f"{type(error).__name__}: {error}".rstrip(": "), heavy=heavy) from error
            finally:
                self._budget.release(resource, headers)
        verdict = judge(response.status_code, response.headers, None, now=self._budget.clock())
        if verdict.meaning is Meaning.TRY_AGAIN:
            raise _TryAgain(f"status {response.status_code}", verdict.seconds, heavy=True)
        if _is_random_401(response):
            raise _TryAgain("status 401 without a reason")
        return response

    def _authorization(self, url: str) -> dict[str, str]:
        """The token, for the configured hosts only: never for where a Link or a redirect may lead."""
        if self._settings.token and _origin(url) in self._trusted:
            return {"Authorization": f"Bearer {self._settings.token}"}
        return {}


def _certificates() -> ssl.SSLContext:
    """The authorities that are trusted: well-known ones, or those of SSL_CERT_FILE and SSL_CERT_DIR."""
    try:
        return httpx.create_ssl_context()
    except OSError as error:
        raise GitHubUnavailable(
            f"SSL_CERT_FILE or SSL_CERT_DIR holds no certificates ({error}): correct or unset it"
        ) from error


def explain(response: httpx.Response) -> str:
    """Status and GitHub's own words, for messages."""
    body = _json(response)
    message = str(body.get("message", "")) if isinstance(body, dict) else ""
    sso = response.headers.get("x-github-sso", "")
    hint = f"; authorise the token for single sign-on: {sso.partition('url=')[2]}" if "url=" in sso else ""
    return f"{response.status_code} {message}".strip() + hint


def _pause(state: RetryCallState) -> float:
    """How long the server asks us to wait, else a growing while."""
    failure = state.outcome.exception() if state.outcome else None
    asked = failure.seconds if isinstance(failure, _TryAgain) else None
    return _growing(state) if asked is None else asked


def _is_random_401(response: httpx.Response) -> bool:
    """GitHub sometimes answers 401 without saying that the credentials are bad; the next try is then answered."""
    if response.status_code != 401:
        return False
    body = _json(response)
    return not (isinstance(body, dict) and body.get("message"))


def _json(response: httpx.Response) -> Any:
    try:
        return orjson.loads(response.content)
    except orjson.JSONDecodeError:
        return None


def _resolved(base: str, link: str) -> str | None:
    """The address that a Link or a redirect names, or None where it names none that could be asked."""
    try:
        url = urljoin(base, link)
        return url if _origin(url)[0] in {"http", "https"} and httpx.URL(url).host else None
    except (ValueError, httpx.InvalidURL):
        return None


def _origin(url: str) -> tuple[str, str, int]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)


def _without_query(url: str) -> str:
    return url.partition("?")[0]
