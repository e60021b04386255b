"""OAuth as GitHub speaks it: the device flow, tokens that may expire, and their renewal.

Errors of the device flow come with status 200 and an `error`. Replies are form encoded unless JSON is asked for.
"""

import secrets
import string
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from urllib.parse import parse_qs, urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from github_stand_in.gate import json_bytes
from github_stand_in.world import Fields, TokenHolder, World

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
SLOWER_SECONDS = 5
FIRST_USER_ID = 910_000_001
USER_CODE_LETTERS = "0123456789ABCDEF"
INCLUDED = {
    "repo": {"repo:status", "repo_deployment", "public_repo", "repo:invite", "security_events"},
    "user": {"read:user", "user:email", "user:follow"},
    "admin:org": {"write:org", "read:org", "manage_runners:org"},
    "write:org": {"read:org"},
}
ERRORS = {
    "authorization_pending": "The authorization request is still pending.",
    "slow_down": "Too many requests have been made in the same timeframe.",
    "expired_token": "The `device_code` has expired.",
    "access_denied": "The authorization request was denied.",
    "device_flow_disabled": "Device Flow must be explicitly enabled for this App",
    "incorrect_client_credentials": "The client_id and/or client_secret passed are incorrect.",
    "incorrect_device_code": "The device_code provided is not valid.",
    "unsupported_grant_type": "The grant type is not supported.",
    "bad_refresh_token": "The refresh token passed is incorrect or expired.",
}


@dataclass(slots=True)
class OAuthSettings:
    """The one OAuth app that people can sign in to. Its tokens do not expire unless `token_seconds` says when."""

    client_id: str = "Iv1.0123456789abcdef"
    device_flow: bool = True
    interval: int = 5
    expires_in: int = 900
    token_seconds: int | None = None
    refresh_seconds: int = 15_811_200


@dataclass(slots=True)
class DeviceRequest:
    """A device that waits for a person to enter its code."""

    device_code: str = field(repr=False)
    user_code: str
    scopes: tuple[str, ...]
    interval: int
    expires_at: float
    asked_at: float
    denied: bool = False
    login: str | None = None
    polls: list[float] = field(default_factory=list)

    def describe(self) -> Fields:
        """As JSON, without the secret."""
        return {name: getattr(self, name) for name in self.__slots__ if name != "device_code"}


@dataclass(slots=True)
class Refresh:
    """What a refresh token is good for, once."""

    holder: TokenHolder = field(repr=False)
    expires_at: float


class OAuth:
    """Gives device codes and tokens. All of it happens in the event loop, one request at a time."""

    def __init__(self, world: World, settings: OAuthSettings | None = None) -> None:
        self.world = world
        self.settings = settings or OAuthSettings()
        self._requests: dict[str, DeviceRequest] = {}
        self._refreshes: dict[str, Refresh] = {}

    def routes(self) -> list[Route]:
        """The addresses below /login."""
        return [
            Route("/login/device/code", self.device_code, methods=["POST"]),
            Route("/login/device", self.page),
            Route("/login/oauth/access_token", self.access_token, methods=["POST"]),
        ]

    def configure(self, **changes: object) -> None:
        """Change the settings of the app."""
        for name, value in changes.items():
            if name not in OAuthSettings.__slots__:
                raise ValueError(f"there is no OAuth setting called {name!r}")
            setattr(self.settings, name, value)

    def describe(self) -> Fields:
        """The settings, and every device that asked, with the times of its questions."""
        return {**asdict(self.settings), "requests": [one.describe() for one in self._requests.values()]}

    def decide(self, user_code: str, login: str | None = None, scopes: Iterable[str] | None = None) -> None:
        """A person enters the code: approves as `login`, perhaps fewer scopes than were asked, or denies without one."""
        found = next((one for one in self._requests.values() if one.user_code == user_code), None)
        if found is None:
            raise ValueError(f"no device waits for {user_code!r}")
        found.login, found.denied = login, login is None
        found.scopes = found.scopes if scopes is None else tuple(scopes)

    async def device_code(self, request: Request) -> Response:
        """POST /login/device/code"""
        form = await _form(request)
        if form.get("client_id") != self.settings.client_id:
            return _reply(request, {"error": "Not Found"}, 404)
        if not self.settings.device_flow:
            return _error(request, "device_flow_disabled")
        letters = "".join(secrets.choice(USER_CODE_LETTERS) for _ in range(8))
        now = self.world.clock()
        asked = DeviceRequest(
            device_code=secrets.token_hex(20),
            user_code=f"{letters[:4]}-{letters[4:]}",
            scopes=tuple(form.get("scope", "").replace(",", " ").split()),
            interval=self.settings.interval,
            expires_at=now + self.settings.expires_in,
            asked_at=now,
        )
        self._requests[asked.device_code] = asked
        fields = {
            "device_code": asked.device_code,
            "user_code": asked.user_code,
            "verification_uri": f"{request.url.scheme}://{request.url.netloc}/login/device",
            "expires_in": self.settings.expires_in,
            "interval": asked.interval,
        }
        return _reply(request, fields)

    async def page(self, request: Request) -> Response:
        """GET /login/device: where a person would enter the code; tests do it through the controls."""
        del request
        return HTMLResponse("<!doctype html><title>Device activation</title><h1>Enter the code of your device</h1>")

    async def access_token(self, request: Request) -> Response:
        """POST /login/oauth/access_token"""
        form = await _form(request)
        if form.get("client_id") != self.settings.client_id:
            return _error(request, "incorrect_client_credentials")
        match form.get("grant_type"):
            case "refresh_token":
                return self._renewed(request, form.get("refresh_token", ""))
            case grant if grant == DEVICE_GRANT:
                return self._asked(request, form.get("device_code", ""))
        return _error(request, "unsupported_grant_type")

    def _asked(self, request: Request, device_code: str) -> Response:
        asked, now = self._requests.get(device_code), self.world.clock()
        if not self.settings.device_flow:
            return _error(request, "device_flow_disabled")
        if asked is None:
            return _error(request, "incorrect_device_code")
        last = asked.polls[-1] if asked.polls else asked.asked_at
        asked.polls.append(now)
        if now >= asked.expires_at:
            return _error(request, "expired_token")
        if now - last < asked.interval:
            asked.interval += SLOWER_SECONDS
            return _error(request, "slow_down", interval=asked.interval)
        if asked.denied:
            return _error(request, "access_denied")
        if asked.login is None:
            return _error(request, "authorization_pending")
        asked.device_code, login = "", asked.login
        self._requests[secrets.token_hex(20)] = self._requests.pop(device_code)  # it can be used once
        return _reply(request, self._grant(self._holder(login, asked.scopes)))

    def _renewed(self, request: Request, refresh_token: str) -> Response:
        found = self._refreshes.pop(refresh_token, None)  # each is spent by its use
        if found is None or self.world.clock() >= found.expires_at:
            return _error(request, "bad_refresh_token")
        self.world.tokens.pop(found.holder.token, None)
        return _reply(request, self._grant(self._holder(found.holder.login, found.holder.scopes)))

    def _holder(self, login: str, scopes: Iterable[str]) -> TokenHolder:
        """A new token of a person."""
        account = self.world.account(login)
        prefix, lasting = (
            ("gho_", None) if self.settings.token_seconds is None else ("ghu_", self.settings.token_seconds)
        )
        return TokenHolder(
            token=_secret(prefix),
            login=account.login if account else login,
            id=account.id if account else FIRST_USER_ID,
            scopes=normalised(scopes),
            organisations=tuple(account.details.get("organisations", ())) if account else (),
            expires_at=None if lasting is None else self.world.clock() + lasting,
        )

    def _grant(self, holder: TokenHolder) -> Fields:
        self.world.add_token(holder)
        fields: Fields = {"access_token": holder.token, "token_type": "bearer", "scope": ",".join(holder.scopes)}
        if holder.expires_at is None:
            return fields
        refresh_token, seconds = _secret("ghr_"), self.settings.refresh_seconds
        self._refreshes[refresh_token] = Refresh(holder, self.world.clock() + seconds)
        more = {"expires_in": self.settings.token_seconds, "refresh_token_expires_in": seconds}
        return {**fields, "refresh_token": refresh_token, **more}


def normalised(scopes: Iterable[str]) -> tuple[str, ...]:
    """Scopes without those that another one includes, each once."""
    wanted = list(dict.fromkeys(scopes))
    included = {inner for outer in wanted for inner in INCLUDED.get(outer, ())}
    return tuple(scope for scope in wanted if scope not in included)


async def _form(request: Request) -> dict[str, str]:
    content = (await request.body()).decode("utf-8", "replace")
    return {name: values[0] for name, values in parse_qs(content).items()}


def _reply(request: Request, fields: Fields, status: int = 200) -> Response:
    if "application/json" in request.headers.get("accept", ""):
        return Response(json_bytes(fields), status, media_type="application/json; charset=utf-8")
    return Response(urlencode(fields), status, media_type="application/x-www-form-urlencoded; charset=utf-8")


def _error(request: Request, error: str, **more: object) -> Response:
    address = "https://docs.github.com/developers/apps/authorizing-oauth-apps#error-codes-for-the-device-flow"
    return _reply(request, {"error": error, "error_description": ERRORS[error], "error_uri": address, **more})


def _secret(prefix: str) -> str:
    letters = string.ascii_letters + string.digits
    return prefix + "".join(secrets.choice(letters) for _ in range(36))
