"""The GitHub client: authentication, paging, limits, retries, redirects.

It returns every final reply, good or bad, and leaves its meaning to the caller. It raises an error if no caller
could go on: after a 401, a limit that lasts too long, or no answer.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

import httpx
import orjson
from pydantic import SecretStr
from tenacity import AsyncRetrying, retry_if_exception_type

from git_contrib_assets.errors import GitHubUnavailable, LimitReached, NotAllowed, TokenRefused
from git_contrib_assets.logs import log, redact, redacted
from git_contrib_assets.settings import Settings
from git_contrib_assets.sources.github.authorisation import HOW_TO_SIGN_IN, Authorisation, FixedToken
from git_contrib_assets.sources.github.connection import http_client, in_own_thread, is_untrusted
from git_contrib_assets.sources.github.limits import Budget, Meaning, judge
from git_contrib_assets.sources.github.retries import Refused, Slow, TryAgain, note_retry, often_enough, once, pause
from git_contrib_assets.sources.github.transfer import Patience, TooSlow, whole_reply
from git_contrib_assets.sources.text import printable

CONCURRENCY = 8
API_VERSION = "2022-11-28"
_MAX_REDIRECTS = 5
_MAX_LIMITS = 20
_MAX_POLLS = 20
_MAX_RENEWALS = 2
_LONGEST_LINK = 500
_LONGEST_ADDRESS = 300
_LONGEST_REQUEST_ID = 100
_HEADERS = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": API_VERSION}
_PATIENCE = Patience()


class QueryTooHeavy(GitHubUnavailable):
    """GitHub timed out on this question (500, 502, 504 or no answer in time). Ask for less at once."""


class GitHubClient:
    """Used with ``async with``. All clients share one budget; without an ``authorisation`` the token is that of the settings."""

    def __init__(
        self,
        settings: Settings,
        budget: Budget,
        *,
        authorisation: Authorisation | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        patience: Patience = _PATIENCE,
    ) -> None:
        self._settings = settings
        self._authorisation = authorisation or FixedToken(settings.token)
        self._budget = budget
        budget.anonymous = not self._authorisation.signed_in
        self._patience = patience
        self._places = asyncio.Semaphore(CONCURRENCY)
        self._trusted = {_origin(settings.api_url), _origin(settings.graphql_url)}
        self._http = http_client(transport, _HEADERS)

    async def __aenter__(self) -> "GitHubClient":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    @property
    def signed_in(self) -> bool:
        """Whether there is a token."""
        return self._authorisation.signed_in

    @property
    def budget(self) -> Budget:
        """The budget that all requests share."""
        return self._budget

    def github_time(self) -> datetime:
        """The time by GitHub's clock, as its last reply told it; by ours before the first reply (UTC, no zone)."""
        return datetime.fromtimestamp(self._budget.github_time(), UTC).replace(tzinfo=None)

    async def learn_limits(self) -> None:
        """Fetch what is left (free of charge) if it is not known yet, so that the first request cannot exceed it."""
        if self._budget.allowance("core") is None:
            await self.get("/rate_limit")

    async def get(self, path: str, parameters: Mapping[str, str | int] | None = None) -> httpx.Response:
        """One REST resource, redirects followed, 202 polled.

        Raises NotAllowed, LimitReached or GitHubUnavailable; the caller decides about any other status.
        """
        url = f"{self._absolute(path)}?{urlencode(parameters)}" if parameters else self._absolute(path)
        for _ in range(_MAX_REDIRECTS + 1):
            response = await self._send("GET", url, "core")
            if response.status_code not in {301, 302, 303, 307, 308} or "location" not in response.headers:
                return response
            url = _redirected(path, url, response.headers["location"])
        raise GitHubUnavailable(f"{_shown(path)} redirects in circles: try again later")

    async def pages(self, path: str, parameters: Mapping[str, str | int]) -> AsyncIterator[httpx.Response]:
        """Every page of a list, by its Link headers; after a full page without a link to the next, by number.

        A reply other than 200 is yielded too, and ends the list. Raises GitHubUnavailable when a page names another
        host as the next (it is not asked), and when a page asked by number is the one before once more.
        """
        asked = {"per_page": 100, "page": 1, **parameters}
        first = {name: value for name, value in asked.items() if name != "page" or value != 1}
        response, number = await self.get(path, first), int(asked["page"])
        while True:
            yield response
            number += 1
            following = response.links.get("next", {}).get("url")
            if response.status_code != 200:
                return
            if following:
                response = await self.get(_next_page(path, response, following, self._trusted))
            elif _rows(response) >= int(asked["per_page"]):  # what stands between may have dropped the header
                before, response = response, await self.get(path, {**asked, "page": number})
                if response.content == before.content:
                    raise GitHubUnavailable(
                        f"{_shown(path)}: the same page came again as the next one: run again later"
                    )
            else:
                return

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
        return _data_and_errors(body)

    def _absolute(self, path: str) -> str:
        return path if "://" in path else self._settings.api_url + path

    async def _send(self, method: str, url: str, resource: str, content: bytes | None = None) -> httpx.Response:
        """Send until there is a final reply: limits are waited for, server errors tried again with growing waits."""
        polls = limits = renewals = 0
        while True:
            response = await self._attempts(method, url, resource, content)
            # A good page of a list says nothing about limits, and is long.
            body = None if (resource, response.status_code) == ("core", 200) else _json(response)
            verdict = judge(response.status_code, response.headers, body, now=self._budget.clock())
            match verdict.meaning:
                case Meaning.PRIMARY_LIMIT | Meaning.SECONDARY_LIMIT:
                    self._budget.limited(verdict)
                    limits += 1
                    log().info(
                        "limited", path=urlsplit(url).path, cause=str(verdict.meaning), request_id=_request_id(response)
                    )
                    if limits >= _MAX_LIMITS:
                        raise LimitReached(f"{limits} times limited by GitHub in a row: run again later", seconds=0.0)
                case Meaning.BAD_CREDENTIALS | Meaning.UNAUTHORISED:
                    renewals += 1
                    if renewals > _MAX_RENEWALS or not await _has_another_token(self._authorisation, response):
                        raise _token_refused(self._authorisation, explain(response))
                case Meaning.COMPUTING if polls < _MAX_POLLS:
                    polls += 1
                    await self._budget.wait(verdict.seconds or 0.0, "GitHub is computing the answer")
                case _:
                    self._budget.succeeded()
                    return response

    async def _attempts(self, method: str, url: str, resource: str, content: bytes | None) -> httpx.Response:
        host = printable(urlsplit(url).hostname or "GitHub")
        try:
            async for attempt in AsyncRetrying(
                stop=once if resource == "graphql" else often_enough,
                wait=pause,
                retry=retry_if_exception_type(TryAgain),
                sleep=lambda seconds: self._budget.wait(seconds, f"{host} did not answer properly"),
                before_sleep=lambda state: note_retry(self._budget, f"{method} {urlsplit(url).path}", state),
                reraise=True,
            ):
                with attempt:
                    return await self._attempt(method, url, resource, content)
        except Refused as failure:
            raise _token_refused(self._authorisation, f"{failure}, {failure.attempts} times") from failure
        except TryAgain as failure:
            raise _given_up(url, resource, failure) from failure
        raise AssertionError("unreachable: the loop returns or raises")

    async def _attempt(self, method: str, url: str, resource: str, content: bytes | None) -> httpx.Response:
        headers: httpx.Headers | None = None
        async with self._places:
            await self._budget.acquire(resource)
            begun, came = self._budget.clock(), "nothing"
            try:
                response = await self._reply(method, url, content, heavy=resource == "graphql")
                headers, came = response.headers, str(response.status_code)
            finally:
                self._budget.release(resource, headers)
                seconds = round(self._budget.clock() - begun, 3)
                log().debug("request", method=method, path=urlsplit(url).path, status=came, seconds=seconds)
        verdict = judge(response.status_code, response.headers, None, now=self._budget.clock())
        if verdict.meaning is Meaning.TRY_AGAIN:
            raise TryAgain(
                f"status {response.status_code}", verdict.seconds, heavy=True, request_id=_request_id(response)
            )
        if _is_random_401(response):
            raise Refused("status 401 without a reason", request_id=_request_id(response))
        return response

    async def _reply(self, method: str, url: str, content: bytes | None, *, heavy: bool) -> httpx.Response:
        """One reply as it comes. Raises GitHubUnavailable for a certificate, else TryAgain; ``heavy`` without an answer."""
        try:
            headers = await self._authorization(url)
            request = self._http.build_request(method, url, content=content, headers=headers)
            return await whole_reply(self._http, request, self._patience)
        except TooSlow as error:
            raise Slow(str(error), heavy=error.came == 0) from error
        except (httpx.RequestError, httpx.InvalidURL) as error:
            if is_untrusted(error):
                raise GitHubUnavailable(
                    f"{_shown(url)} has a certificate that is not trusted here: name its authority's file in "
                    "SSL_CERT_FILE"
                ) from redacted(error)
            heavy = heavy or isinstance(error, httpx.ReadTimeout)
            text = printable(redact(f"{type(error).__name__}: {error}".rstrip(": ")))
            raise TryAgain(text, heavy=heavy) from redacted(error)

    async def _authorization(self, url: str) -> dict[str, str]:
        """The token, for the configured hosts only, wherever a Link or a redirect may lead."""
        if _origin(url) not in self._trusted:
            return {}
        if self._authorisation.due:
            await in_own_thread(self._authorisation.token)
        token = self._authorisation.current
        return {"Authorization": f"Bearer {token.get_secret_value()}"} if token else {}


def explain(response: httpx.Response) -> str:
    """Status and GitHub's own words, for messages: cut, on one line, without tokens and addresses."""
    body = _json(response)
    message = printable(redact(str(body.get("message", "")))) if isinstance(body, dict) else ""
    sso = response.headers.get("x-github-sso", "")
    link = printable(sso.partition("url=")[2], _LONGEST_LINK)
    hint = f"; authorise the token for single sign-on: {link}" if link else ""
    return f"{response.status_code} {message}".strip() + hint


def _data_and_errors(body: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Of an answer of GraphQL's, what has the shape that it should have."""
    data, errors = body.get("data"), body.get("errors")
    return (
        data if isinstance(data, dict) else {},
        [error for error in errors if isinstance(error, dict)] if isinstance(errors, list) else [],
    )


def _redirected(path: str, url: str, location: str) -> str:
    """Where a redirect leads. Raises GitHubUnavailable if nothing there can be asked."""
    found = _resolved(url, location)
    if not found:
        raise GitHubUnavailable(f"{_shown(path)} redirects to something that is not an address: check GITHUB_API_URL")
    return found


async def _has_another_token(authorisation: Authorisation, response: httpx.Response) -> bool:
    """Whether the request may be sent again: the token that it bore was refused, and there is another by now."""
    sent = response.request.headers.get("authorization", "").removeprefix("Bearer ")
    if response.status_code != 401 or not sent:
        return False
    return await in_own_thread(lambda: authorisation.replaced(SecretStr(sent)))


def _token_refused(authorisation: Authorisation, why: str) -> TokenRefused:
    if not authorisation.signed_in:
        return TokenRefused(f"GitHub wants a token ({why}): {HOW_TO_SIGN_IN}; what is landed is kept")
    return TokenRefused(f"GitHub refuses the token ({why}): {authorisation.advice}; what is landed is kept")


def _given_up(url: str, resource: str, failure: TryAgain) -> GitHubUnavailable:
    """What is told of a request that was tried often enough."""
    kind = QueryTooHeavy if failure.heavy else GitHubUnavailable
    if resource == "graphql":
        return kind(f"GitHub's GraphQL did not answer ({failure}): try again later")
    return kind(
        f"{_shown(url)} did not answer properly ({failure}), {failure.attempts} times: "
        "check the network and GITHUB_API_URL, then run again"
    )


def _request_id(response: httpx.Response) -> str | None:
    """What GitHub's support asks for."""
    return printable(response.headers.get("x-github-request-id", ""), _LONGEST_REQUEST_ID) or None


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


def _rows(response: httpx.Response) -> int:
    body = _json(response)
    return len(body) if isinstance(body, list) else 0


def _next_page(path: str, response: httpx.Response, link: str, trusted: set[tuple[str, str, int]]) -> str:
    """The address of the next page. Raises GitHubUnavailable unless it is on a host that is ours."""
    following = _resolved(str(response.url), link)
    if following is None or _origin(following) not in trusted:
        host = printable((following and urlsplit(following).hostname) or "no address")
        text = f"the next page lies on another host ({host}): check GITHUB_API_URL; nothing was sent there"
        raise GitHubUnavailable(f"{_shown(path)}: {text}")
    return following


def _resolved(base: str, link: str) -> str | None:
    """The address that a Link or a redirect names, or None if nothing there can be asked."""
    try:
        url = urljoin(base, link)
        return url if _origin(url)[0] in {"http", "https"} and httpx.URL(url).host else None
    except (ValueError, httpx.InvalidURL):
        return None


def _origin(url: str) -> tuple[str, str, int]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)


def _shown(url: str) -> str:
    """An address for messages: without its query, which may hold anything."""
    return printable(redact(url.partition("?")[0]), _LONGEST_ADDRESS)
