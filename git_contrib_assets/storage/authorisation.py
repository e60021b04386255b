"""Which token a process uses: GITHUB_TOKEN where it is set, else the sign-in of ``git-contrib login``."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from pydantic import SecretStr

from git_contrib_assets.errors import GitContribError
from git_contrib_assets.logs import log
from git_contrib_assets.settings import Settings
from git_contrib_assets.sources.github.authorisation import Authorisation, FixedToken
from git_contrib_assets.sources.github.sign_in import Grant, OAuthServer
from git_contrib_assets.storage.credentials import Credentials, SignIn
from git_contrib_assets.storage.home import Home

_EARLY = timedelta(minutes=10)  # a git command that bears the token may take its time before it is let in
_NO_NEW_TRY_FOR = 60.0
_ADVICE = "run git-contrib login again, or git-contrib logout to go on without"

Renew = Callable[[str, str, SecretStr], Grant]
"""Asks a server, as an OAuth app, for a new token in place of a refresh token."""


def authorisation_for(settings: Settings) -> Authorisation:
    """The token of the environment, else the sign-in at the configured server, which may be none.

    Raises StorageError for a file of sign-ins that is damaged, or that others can read.
    """
    if settings.token:
        return FixedToken(settings.token)
    return StoredSignIn(Credentials(Home(settings.home)), settings.server_url)


class StoredSignIn:
    """The sign-in at one server, as its file has it at any moment: other processes may renew it, or sign out.

    To ask for the token costs a look at the file's date. ``clock`` tells the time (UTC).
    """

    advice = _ADVICE

    def __init__(
        self,
        credentials: Credentials,
        server_url: str,
        *,
        renew: Renew | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._credentials = credentials
        self._server_url = server_url
        self._renew = renew or _ask_for_another
        self._clock = clock
        self._no_try_before = -float("inf")
        self._seen = (credentials.version(), credentials.sign_in(server_url))

    @property
    def signed_in(self) -> bool:
        """Whether there is a sign-in at the server."""
        return self._sign_in() is not None

    @property
    def current(self) -> SecretStr | None:
        """The token as it stands in the file."""
        found = self._sign_in()
        return found.token if found else None

    @property
    def due(self) -> bool:
        """Whether it expires within ten minutes, or the last quarter of a short life, and can be renewed."""
        found = self._sign_in()
        return found is not None and self._is_due(found) and time.monotonic() >= self._no_try_before

    def token(self) -> SecretStr | None:
        """The token, renewed first if that is due. Blocks.

        One that cannot be renewed is used to its end. Raises TokenRefused, GitHubUnavailable or LockBusy after that.
        """
        if self.due:
            try:
                self._replace(self._is_due)
            except GitContribError as error:
                self._no_try_before = time.monotonic() + _NO_NEW_TRY_FOR
                if self._has_expired():
                    raise
                log().warning("the sign-in was not renewed", server=self._server_url, reason=str(error))
        return self.current

    def replaced(self, refused: SecretStr) -> bool:
        """Whether another process has renewed it, or we can. Blocks.

        Raises TokenRefused, GitHubUnavailable or LockBusy.
        """
        return self._replace(lambda found: found.token == refused)

    def _replace(self, is_old: Callable[[SignIn], bool]) -> bool:
        """Renew the sign-in if it is still old once the lock is ours; whether it is not old any more."""
        with self._credentials.changing("the renewal of the sign-in") as sign_ins:
            found = sign_ins.get(self._server_url)
            if found is None or not is_old(found):
                return found is not None
            if not (found.refresh_token and found.client_id):
                return False
            grant = self._renew(self._server_url, found.client_id, found.refresh_token)
            sign_ins[self._server_url] = found.renewed(grant, self._clock())
        return True

    def _sign_in(self) -> SignIn | None:
        version = self._credentials.version()
        if version != self._seen[0]:
            self._seen = (version, self._credentials.sign_in(self._server_url))
        return self._seen[1]

    def _is_due(self, found: SignIn) -> bool:
        if not (found.refresh_token and found.client_id and found.expires_at):
            return False
        early = min(_EARLY, (found.expires_at - found.obtained_at) / 4)
        return self._clock() >= found.expires_at - early

    def _has_expired(self) -> bool:
        found = self._sign_in()
        return found is not None and found.expires_at is not None and self._clock() >= found.expires_at


def _ask_for_another(server_url: str, client_id: str, refresh_token: SecretStr) -> Grant:
    async def ask() -> Grant:
        async with OAuthServer(server_url, client_id) as server:
            return await server.renew(refresh_token)

    return asyncio.run(ask())
