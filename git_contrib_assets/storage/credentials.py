"""The file of sign-ins: one per GitHub server, for its owner's eyes alone.

Its mode is 0600 from the moment it is made. It is replaced all at once, and under a lock.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import AwareDatetime, BaseModel, ConfigDict, SecretStr, TypeAdapter, ValidationError, field_serializer

from git_contrib_assets.errors import StorageError
from git_contrib_assets.logs import register_secret
from git_contrib_assets.sources.github.sign_in import Grant
from git_contrib_assets.sources.github.user import User
from git_contrib_assets.storage.files import replacing, storage_errors
from git_contrib_assets.storage.home import Home
from git_contrib_assets.storage.locks import lock

_MOST_BYTES = 1 << 20
_MAX_WAIT = 120.0  # who holds the lock may be asking GitHub for a new token
_OTHERS = 0o077


class SignIn(BaseModel):
    """One sign-in. Times have a zone; a token that does not expire has no end."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True, extra="ignore")

    token: SecretStr
    login: str
    user_id: int
    scopes: tuple[str, ...] | None
    """None where GitHub does not tell."""
    obtained_at: AwareDatetime
    expires_at: AwareDatetime | None = None
    refresh_token: SecretStr | None = None
    refresh_expires_at: AwareDatetime | None = None
    client_id: str | None = None
    """The OAuth app that granted the token; None for a token that a person made."""

    @field_serializer("token", "refresh_token", when_used="json")
    def _plain(self, secret: SecretStr | None) -> str | None:
        return secret.get_secret_value() if secret else None

    @classmethod
    def of(cls, user: User, grant: Grant, client_id: str | None = None) -> "SignIn":
        """The sign-in of a user, as it was granted just now."""
        now = datetime.now(UTC)
        return cls(
            token=grant.token,
            login=user.login,
            user_id=user.user_id,
            scopes=grant.scopes or None if user.scopes is None else user.scopes,
            obtained_at=now,
            expires_at=_after(now, grant.seconds) or user.expires_at,
            refresh_token=grant.refresh_token,
            refresh_expires_at=_after(now, grant.refresh_seconds),
            client_id=client_id,
        )

    def renewed(self, grant: Grant, now: datetime) -> "SignIn":
        """The same sign-in with another token. A server that gives no new refresh token leaves the old one valid."""
        changes = {
            "token": grant.token,
            "obtained_at": now,
            "expires_at": _after(now, grant.seconds),
            "refresh_token": grant.refresh_token or self.refresh_token,
            "refresh_expires_at": _after(now, grant.refresh_seconds),
        }
        return self.model_copy(update=changes)


_FILE = TypeAdapter(dict[str, SignIn])


@dataclass(frozen=True)
class Credentials:
    """The sign-ins of a home, by server address."""

    home: Home

    @property
    def path(self) -> Path:
        """The file."""
        return self.home.root / "credentials"

    def version(self) -> tuple[int, int, int] | None:
        """Changes with the file; None as long as there is none."""
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._unreadable(error) from error
        return found.st_ino, found.st_mtime_ns, found.st_size

    def sign_in(self, server_url: str) -> SignIn | None:
        """The sign-in at a server. Raises StorageError for a file that is damaged, or that others can read."""
        return self._read().get(server_url)

    @contextmanager
    def changing(self, purpose: str) -> Iterator[dict[str, SignIn]]:
        """All sign-ins, to be changed: what the block makes of them is written when it ends well.

        Under the lock of the file: of two at once, the second sees what the first has written. Raises LockBusy,
        StorageError, HomeNotWritable or StorageFull.
        """
        self.home.prepare()
        with lock(self.home, "credentials", run="(none)", purpose=purpose, max_wait=_MAX_WAIT):
            for leftover in self.path.parent.glob(f"{self.path.name}.*.tmp"):  # of a writer that was killed
                leftover.unlink(missing_ok=True)
            sign_ins = self._read()
            before = dict(sign_ins)
            yield sign_ins
            if sign_ins != before:
                self._write(sign_ins)

    def _read(self) -> dict[str, SignIn]:
        try:
            with self.path.open("rb") as file:
                is_open = os.fstat(file.fileno()).st_mode & _OTHERS
                content = file.read(_MOST_BYTES + 1)
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise self._unreadable(error) from error
        if is_open:
            raise StorageError(
                f"Others can read {self.path}, which holds tokens: chmod 600 it; if somebody else may have read it, revoke "
                "them on GitHub (git-contrib logout says where) and sign in again"
            )
        try:
            sign_ins = _FILE.validate_json(content if len(content) <= _MOST_BYTES else b"")
        except ValidationError:  # what it says may hold a token
            raise StorageError(
                f"{self.path} is damaged: delete it, then run git-contrib login again; GITHUB_TOKEN works without it"
            ) from None
        for one in sign_ins.values():
            register_secret(one.token.get_secret_value())
            register_secret(one.refresh_token.get_secret_value() if one.refresh_token else None)
        return sign_ins

    def _write(self, sign_ins: dict[str, SignIn]) -> None:
        if not sign_ins:
            with storage_errors(self.path):
                self.path.unlink(missing_ok=True)
            return
        with replacing(self.path) as temporary:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(_FILE.dump_json(sign_ins, indent=2))

    def _unreadable(self, error: OSError) -> StorageError:
        return StorageError(f"{self.path} cannot be read ({error.strerror or error}): make it readable for you alone")


def _after(now: datetime, seconds: float | None) -> datetime | None:
    return None if seconds is None else now + timedelta(seconds=seconds)
