"""Which token requests bear: asked for each request, because one may be renewed while a run goes on."""

from dataclasses import dataclass, field
from typing import Protocol

from pydantic import SecretStr

from git_contrib_assets.logs import register_secret

HOW_TO_SIGN_IN = "set GITHUB_TOKEN, or run git-contrib login"


class Authorisation(Protocol):
    """Gives the token of the moment. Safe to share between threads."""

    @property
    def signed_in(self) -> bool:
        """Whether there is a token."""
        ...

    @property
    def advice(self) -> str:
        """What to do about a token that GitHub refuses."""
        ...

    @property
    def current(self) -> SecretStr | None:
        """The token as it is, without a request; None if there is none."""
        ...

    @property
    def due(self) -> bool:
        """Whether the token is about to expire and can be renewed."""
        ...

    def token(self) -> SecretStr | None:
        """The token, renewed first if that is due. Blocks.

        Raises TokenRefused or GitHubUnavailable for one that has expired and could not be renewed.
        """
        ...

    def replaced(self, refused: SecretStr) -> bool:
        """Whether there is now another token than this one, which GitHub refused. Blocks; may renew it."""
        ...


@dataclass(frozen=True)
class FixedToken:
    """The same token for ever, such as that of GITHUB_TOKEN; or none."""

    current: SecretStr | None = field(default=None, repr=False)
    advice: str = "set GITHUB_TOKEN to a valid one, or unset it"
    due: bool = False

    def __post_init__(self) -> None:
        register_secret(self.current.get_secret_value() if self.current else None)

    @property
    def signed_in(self) -> bool:
        """Whether there is a token."""
        return self.current is not None

    def token(self) -> SecretStr | None:
        """The token."""
        return self.current

    def replaced(self, refused: SecretStr) -> bool:
        """Never."""
        del refused
        return False
