"""Sign-in by OAuth's device flow (RFC 8628) as GitHub speaks it, and the renewal of tokens that expire.

The person enters a short code on GitHub's own page; meanwhile we ask whether that has happened. No client secret is
needed, neither for this nor for the renewal. GitHub tells errors with status 200, the RFC with 400: the ``error`` field
decides, whatever the status.
"""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import httpx
import orjson
from pydantic import SecretStr

from git_contrib_assets.errors import (
    GitContribError,
    GitHubUnavailable,
    SignInExpired,
    SignInRefused,
    TokenRefused,
)
from git_contrib_assets.logs import redact, redacted, register_secret
from git_contrib_assets.settings import is_token
from git_contrib_assets.sources.github.connection import http_client, is_untrusted
from git_contrib_assets.sources.github.transfer import Patience, TooLong, TooSlow, whole_reply
from git_contrib_assets.sources.text import printable

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
USUAL_INTERVAL = 5.0
"""Seconds between two questions where the server does not tell (RFC 8628, 3.2), and what ``slow_down`` adds (3.5)."""
_LATER = 0.2
"""How much later than the interval, for each ``slow_down``: where clocks run at two speeds, 5 s more are never enough."""
_USUAL_SECONDS = 900.0
_LEAST_INTERVAL = 1.0
_LONGEST_LIFE = 10 * 365 * 86_400.0
_LONGEST_PAUSE = 60.0
_LONGEST_CODE = 64
_LONGEST_ADDRESS = 300
_MOST_BYTES = 1 << 16
_PATIENCE = Patience(seconds=30.0)
_REFUSALS = {401, 403, 404, 422}
"""To the first question GitHub answers so for an app that it does not know; its own ``gh`` takes all four for that."""
_EXPIRED = (SignInExpired, "The code expired before it was entered: run git-contrib login again; nothing was stored")
_FORGOTTEN = (
    SignInExpired,
    "{server} does not know the code any more: run git-contrib login again; nothing was stored",
)
_DECLINED = (SignInRefused, "The sign-in was declined on GitHub's page: run git-contrib login again to be asked again")
_DISABLED = (
    SignInRefused,
    "The OAuth app does not allow the device flow: tick 'Enable Device Flow' at {server}/settings/developers, then run again",
)
_WRONG_CLIENT = (
    SignInRefused,
    "{server} knows no OAuth app with this client id: check GIT_CONTRIB_OAUTH_CLIENT_ID and GITHUB_SERVER_URL",
)
_NOT_OFFERED = (
    GitHubUnavailable,
    "{server} does not offer sign-in by code ({error}, {told}): check GITHUB_SERVER_URL, or use login --with-token",
)
_UNKNOWN_ENDING = "{server} ended the sign-in ({error}, {told}): run git-contrib login again later"
_ENDINGS: dict[str, tuple[type[GitContribError], str]] = {
    "expired_token": _EXPIRED,
    "token_expired": _EXPIRED,
    "incorrect_device_code": _FORGOTTEN,
    "invalid_grant": _FORGOTTEN,
    "access_denied": _DECLINED,
    "device_flow_disabled": _DISABLED,
    "incorrect_client_credentials": _WRONG_CLIENT,
    "invalid_client": _WRONG_CLIENT,
    "unauthorized_client": _WRONG_CLIENT,
    "Not Found": _WRONG_CLIENT,
    "unsupported_grant_type": _NOT_OFFERED,
    "invalid_request": _NOT_OFFERED,
}
"""Errors that end a sign-in: GitHub's, and those of the RFC (6749, 5.2 and 8628, 3.5)."""


@dataclass(frozen=True)
class DeviceCode:
    """What the person is to enter and where, and how we ask whether it was entered.

    ``interval`` is the least number of seconds between two questions; ``expires_at`` is when the code expires, by the
    clock of the server object that asked for it; ``seconds`` how long that is from when it was asked for.
    """

    device_code: SecretStr
    user_code: str
    address: str
    interval: float
    seconds: float
    expires_at: float


@dataclass(frozen=True)
class Grant:
    """A token that the server granted, with its scopes; ``seconds`` is how long it is valid, None for ever."""

    token: SecretStr
    scopes: tuple[str, ...]
    seconds: float | None = None
    refresh_token: SecretStr | None = None
    refresh_seconds: float | None = None


class _NoAnswer(Exception):
    """No usable reply this time; the text says what came instead, ``status`` its status if there was one."""

    def __init__(self, text: str, status: int = 0) -> None:
        super().__init__(text)
        self.status = status


class OAuthServer:
    """The two addresses of a GitHub server that give tokens. Use as ``async with OAuthServer(...) as server``.

    ``clock`` must not be set back (monotonic); ``sleep`` waits in its time.
    """

    def __init__(
        self,
        server_url: str,
        client_id: str,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        patience: Patience = _PATIENCE,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._server_url = server_url
        self._client_id = client_id
        self._patience = patience
        self._clock = clock
        self._sleep = sleep
        self._http = http_client(transport, {"Accept": "application/json"})

    async def __aenter__(self) -> "OAuthServer":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def ask(self, scopes: Sequence[str]) -> DeviceCode:
        """A code for a person to enter. Raises SignInRefused, or GitHubUnavailable if none is given."""
        asked_at = self._clock()
        try:
            reply = await self._post("/login/device/code", {"client_id": self._client_id, "scope": " ".join(scopes)})
            if "error" in reply:
                raise self._ending(str(reply["error"]), reply)
            return _device_code(reply, asked_at)
        except _NoAnswer as failure:
            if failure.status in _REFUSALS:
                raise self._ending("invalid_client", {}) from failure
            raise self._unavailable(failure) from failure

    async def wait(self, code: DeviceCode, on_wait: Callable[[str], None] = lambda _: None) -> Grant:
        """Ask until the person has entered the code, never earlier than the interval, and at most until it expires.

        ``on_wait`` gets a line where the server does not answer. Raises SignInRefused, SignInExpired or GitHubUnavailable.
        """
        interval = pause = code.interval
        failure: _NoAnswer | None = None
        slowed = 0
        while self._clock() + pause < code.expires_at:
            await self._sleep_for(pause)
            try:
                reply = await self._post("/login/oauth/access_token", self._question(code))
                match reply.get("error"):
                    case None:
                        return _grant(reply)
                    case "authorization_pending":
                        pass
                    case "slow_down":
                        interval = max(interval + USUAL_INTERVAL, _interval(reply.get("interval"), instead=0.0))
                        slowed += 1
                    case error:
                        raise self._ending(str(error), reply)
                failure, pause = None, interval * (1 + _LATER * slowed)
            except _NoAnswer as caught:  # RFC 8628, 3.5: then ask less often
                failure, pause = caught, max(pause, min(2 * pause, _LONGEST_PAUSE))
                on_wait(f"{self._server_url} did not answer properly ({caught}): next try in {pause:.0f} s")
        await self._sleep_for(code.expires_at - self._clock())
        if failure:
            raise self._unavailable(failure) from failure
        raise self._ending("expired_token", {})

    async def renew(self, refresh_token: SecretStr) -> Grant:
        """A new token in place of one that expires; the refresh token is spent by that.

        Raises TokenRefused if the sign-in has ended, or GitHubUnavailable.
        """
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token.get_secret_value()}
        try:
            reply = await self._post("/login/oauth/access_token", {"client_id": self._client_id, **form})
            if "error" in reply:
                raise TokenRefused(
                    f"The sign-in at {self._server_url} has ended ({_words(reply['error'])}): run git-contrib login, or "
                    "git-contrib logout to go on without; what is landed is kept"
                )
            return _grant(reply)
        except _NoAnswer as failure:
            raise self._unavailable(failure) from failure

    def _question(self, code: DeviceCode) -> dict[str, str]:
        device_code = code.device_code.get_secret_value()
        return {"client_id": self._client_id, "device_code": device_code, "grant_type": DEVICE_GRANT}

    async def _sleep_for(self, seconds: float) -> None:
        """Not less, even where a timer rounds down."""
        until = self._clock() + seconds
        while (left := until - self._clock()) > 0:
            await self._sleep(left)

    async def _post(self, path: str, form: Mapping[str, str]) -> dict[str, Any]:
        """The object that the server answers with. Raises _NoAnswer, or GitHubUnavailable for its certificate."""
        try:
            request = self._http.build_request("POST", self._server_url + path, data=dict(form))
            response = await whole_reply(self._http, request, self._patience, most_bytes=_MOST_BYTES)
        except (TooSlow, TooLong) as error:
            raise _NoAnswer(str(error)) from error
        except (httpx.RequestError, httpx.InvalidURL) as error:
            if is_untrusted(error):
                raise GitHubUnavailable(
                    f"{self._server_url} has a certificate that is not trusted here: name its authority's file in "
                    "SSL_CERT_FILE"
                ) from redacted(error)
            raise _NoAnswer(printable(redact(f"{type(error).__name__}: {error}".rstrip(": ")))) from redacted(error)
        try:
            reply = orjson.loads(response.content)
        except orjson.JSONDecodeError:
            raise _NoAnswer(f"status {response.status_code}, and no JSON", response.status_code) from None
        if not isinstance(reply, dict):
            raise _NoAnswer(f"status {response.status_code}, and no object", response.status_code)
        if "error" not in reply and response.status_code != 200:
            raise _NoAnswer(f"status {response.status_code}", response.status_code)
        return reply

    def _ending(self, error: str, reply: Mapping[str, Any]) -> GitContribError:
        """What an error that ends the sign-in means, and what to do."""
        told = _words(reply.get("error_description") or "no reason given")
        kind, sentence = _ENDINGS.get(error, (GitHubUnavailable, _UNKNOWN_ENDING))
        return kind(sentence.format(server=self._server_url, error=_words(error), told=told))

    def _unavailable(self, failure: _NoAnswer) -> GitHubUnavailable:
        return GitHubUnavailable(
            f"{self._server_url} did not answer properly ({failure}): check the network and GITHUB_SERVER_URL, then run "
            "git-contrib login again"
        )


def _device_code(reply: Mapping[str, Any], asked_at: float) -> DeviceCode:
    """Raises _NoAnswer for an answer that a person could do nothing with."""
    device_code, user_code, address = (reply.get(name) for name in ("device_code", "user_code", "verification_uri"))
    if not isinstance(device_code, str) or not device_code:
        raise _NoAnswer("an answer without a device code")
    register_secret(device_code)
    if not isinstance(user_code, str) or not user_code or printable(user_code, _LONGEST_CODE) != user_code:
        raise _NoAnswer("an answer without a code to enter")
    if (
        not isinstance(address, str)
        or not address.startswith(("https://", "http://"))
        or printable(address, _LONGEST_ADDRESS) != address
    ):
        raise _NoAnswer("an answer without an address to enter the code at")
    seconds = _seconds(reply.get("expires_in")) or _USUAL_SECONDS
    interval = _interval(reply.get("interval"), instead=USUAL_INTERVAL)
    return DeviceCode(SecretStr(device_code), user_code, address, interval, seconds, asked_at + seconds)


def _grant(reply: Mapping[str, Any]) -> Grant:
    """Raises _NoAnswer for an answer without a token."""
    token, refresh_token, scope = (reply.get(name) for name in ("access_token", "refresh_token", "scope"))
    if not isinstance(token, str) or not is_token(token):
        raise _NoAnswer("an answer without a token")
    register_secret(token)
    renewable = isinstance(refresh_token, str) and is_token(refresh_token)
    register_secret(refresh_token if renewable else None)
    return Grant(
        token=SecretStr(token),
        scopes=split_scopes(scope if isinstance(scope, str) else ""),
        seconds=_seconds(reply.get("expires_in")),
        refresh_token=SecretStr(str(refresh_token)) if renewable else None,
        refresh_seconds=_seconds(reply.get("refresh_token_expires_in")),
    )


def split_scopes(text: str) -> tuple[str, ...]:
    """Scopes as GitHub lists them, with commas, or as the RFC does, with spaces."""
    return tuple(text.replace(",", " ").split())


def _seconds(value: Any) -> float | None:
    """A span of time; None for what is none. One beyond ten years counts as ten."""
    number = _number(value)
    return min(number, _LONGEST_LIFE) if number is not None and number > 0 else None


def _interval(value: Any, *, instead: float) -> float:
    """Seconds between two questions, one at least; ``instead`` of what is no span of time."""
    number = _seconds(value)
    return instead if number is None else max(number, _LEAST_INTERVAL)


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _words(text: Any) -> str:
    """What the server wrote, for messages."""
    return printable(redact(str(text)))
