"""What the stand-in serves: repositories, accounts and tokens, read from a directory."""

import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from github_stand_in.git_objects import GitStore

Fields: TypeAlias = dict[str, Any]

WEB_FLOW_EMAIL = "noreply@github.com"
WEB_FLOW: Fields = {"login": "web-flow", "id": 19864447}
DEFAULT_LOGIN = "stand-in-user"
FIRST_TOKEN_HOLDER_ID = 900_000_001


@dataclass(frozen=True, slots=True)
class Account:
    """A person, bot or organisation; id 0 stands for a deleted account."""

    login: str
    id: int
    type: str = "User"
    details: Fields = field(default_factory=dict, hash=False, compare=False)

    @property
    def is_user(self) -> bool:
        """Whether GraphQL would name it: its `User` is never a bot or an organisation."""
        return self.type == "User"


@dataclass(frozen=True, slots=True)
class TokenHolder:
    """The person that a token belongs to, and what it may see."""

    token: str = field(repr=False)
    login: str
    id: int
    scopes: tuple[str, ...] = ()
    organisations: tuple[str, ...] = ()
    expires_at: float | None = None

    @classmethod
    def parse(cls, text: str, number: int = 0) -> "TokenHolder":
        """Read `TOKEN[=LOGIN[:SCOPE,SCOPE[:ORGANISATION,ORGANISATION]]]`; each token without a login has its own."""
        token, _, rest = text.partition("=")
        login, _, rest = rest.partition(":")
        scopes, _, organisations = rest.partition(":")
        return cls(
            token,
            login or (f"{DEFAULT_LOGIN}-{number + 1}" if number else DEFAULT_LOGIN),
            FIRST_TOKEN_HOLDER_ID + number,
            tuple(filter(None, scopes.split(","))),
            tuple(filter(None, organisations.split(","))),
        )


@dataclass(frozen=True, slots=True)
class Repository:
    """One repository: what the listing says about it, and where its commits are."""

    id: int
    owner: Account
    name: str
    path: Path
    fields: Fields = field(hash=False, compare=False)

    @property
    def full_name(self) -> str:
        """Owner and name."""
        return f"{self.owner.login}/{self.name}"

    @property
    def private(self) -> bool:
        """Whether only its owner may see it."""
        return bool(self.fields.get("private"))

    @property
    def visibility(self) -> str:
        """In GitHub's words. Only what is private can be internal."""
        internal = self.private and self.fields.get("visibility") == "internal"
        return "internal" if internal else "private" if self.private else "public"

    @property
    def default_branch(self) -> str:
        """The branch whose history counts."""
        return str(self.fields.get("default_branch") or "main")

    @property
    def collaborators(self) -> tuple[str, ...]:
        """Logins of people outside of its owner who may work on it, in small letters."""
        return tuple(str(login).lower() for login in self.fields.get("collaborators", ()))

    def visible_to(self, caller: TokenHolder | None) -> bool:
        """Whether a caller may see this repository."""
        if not self.private:
            return True
        if caller is None or "repo" not in caller.scopes:
            return False
        owner, login = self.owner.login.lower(), caller.login.lower()
        return owner == login or login in self.collaborators or owner in (name.lower() for name in caller.organisations)


def _account(fields: Mapping[str, Any]) -> Account | None:
    if not fields:
        return Account("", 0)
    login = str(fields["login"])
    kind = str(fields.get("type") or ("Bot" if login.endswith("[bot]") else "User"))
    return Account(login, int(fields["id"]), kind, dict(fields))


class Catalogue:
    """An immutable view of the files. When they change, the world replaces it by a new one."""

    def __init__(self, root: Path) -> None:
        extra = self._optional(root / "owners.json")
        self.by_id: dict[int, Repository] = {}
        self.by_name: dict[str, Repository] = {}
        self.owners: dict[str, Account] = {}
        self.owners_by_id: dict[int, Account] = {}
        for fields in json.loads((root / "repositories.json").read_text()):
            owner = self._owner(fields["owner"], extra)
            name = str(fields["name"])
            repository = Repository(int(fields["id"]), owner, name, root / owner.login / f"{name}.git", fields)
            self.by_id[repository.id] = repository
            self.by_name[repository.full_name.lower()] = repository
        for login, details in extra.items():
            self._owner({"login": login, **details}, extra)
        self.accounts: dict[str, Account | None] = {
            email: _account(fields) for email, fields in self._optional(root / "accounts.json").items()
        }
        self.accounts_by_login = {account.login.lower(): account for account in self.accounts.values() if account}
        self.aliases: dict[str, int] = {
            old.lower(): int(identity) for old, identity in self._optional(root / "aliases.json").items()
        }

    @staticmethod
    def _optional(path: Path) -> Fields:
        found: Fields = json.loads(path.read_text()) if path.exists() else {}
        return found

    def _owner(self, fields: Mapping[str, Any], extra: Fields) -> Account:
        login = str(fields["login"])
        known = self.owners.get(login.lower())
        if known:
            return known
        details = {**fields, **extra.get(login, {})}
        owner = Account(login, int(details["id"]), str(details.get("type") or "User"), details)
        self.owners[login.lower()] = owner
        self.owners_by_id[owner.id] = owner
        return owner


class World:
    """Everything that the stand-in knows. `root` holds `<owner>/<name>.git`, `repositories.json` and `accounts.json`.

    Optional files: `aliases.json` (an old `owner/name` → repository id) and `owners.json` (login → more fields of the
    owner, such as the public `email`, all `emails` and the `organisations` of a person; also an owner without
    repositories). `clock` says when tokens expire.
    """

    def __init__(
        self, root: Path, tokens: Iterable[str | TokenHolder] = (), *, clock: Callable[[], float] = time.time
    ) -> None:
        self.clock = clock
        self.root = Path(root).resolve()
        self.store = GitStore()
        self.catalogue = Catalogue(self.root)
        self.tokens: dict[str, TokenHolder] = {}
        for token in tokens:
            self.add_token(token)

    def reload(self) -> None:
        """Read the files again."""
        self.catalogue = Catalogue(self.root)
        self.store.close()

    def add_token(self, token: str | TokenHolder) -> TokenHolder:
        """Accept a token from now on."""
        holder = token if isinstance(token, TokenHolder) else TokenHolder.parse(token, len(self.tokens))
        self.tokens[holder.token] = holder
        return holder

    def holder_of(self, token: str) -> TokenHolder | None:
        """The person that a token belongs to, unless it has expired."""
        holder = self.tokens.get(token)
        return None if holder and holder.expires_at is not None and self.clock() >= holder.expires_at else holder

    def organisations_of(self, caller: TokenHolder) -> list[Account]:
        """The organisations that a person belongs to."""
        found = (self.account(name) for name in caller.organisations)
        return [account for account in found if account and account.type == "Organization"]

    def repositories_of(self, owner: Account, caller: TokenHolder | None) -> list[Repository]:
        """An owner's repositories, as far as the caller may see them."""
        return [
            repository
            for repository in self.catalogue.by_id.values()
            if repository.owner.id == owner.id and repository.visible_to(caller)
        ]

    def repository(self, owner: str, name: str, caller: TokenHolder | None) -> Repository | None:
        """A repository by its current name, in any case."""
        found = self.catalogue.by_name.get(f"{owner}/{name}".lower())
        return found if found and found.visible_to(caller) else None

    def renamed(self, owner: str, name: str, caller: TokenHolder | None) -> Repository | None:
        """The repository that once had this name."""
        identity = self.catalogue.aliases.get(f"{owner}/{name}".lower())
        found = self.catalogue.by_id.get(identity) if identity is not None else None
        return found if found and found.visible_to(caller) else None

    def account(self, login: str) -> Account | None:
        """An owner or contributor by login, in any case."""
        name = login.lower()
        known = self.catalogue.owners.get(name) or self.catalogue.accounts_by_login.get(name)
        if known:
            return known
        holder = next((holder for holder in self.tokens.values() if holder.login.lower() == name), None)
        return Account(holder.login, holder.id) if holder else None

    def account_of_email(self, email: str) -> Account | None:
        """The owner of an address: an account, a deleted one (id 0), or None."""
        if email.lower() == WEB_FLOW_EMAIL:
            return _account(WEB_FLOW)
        return self.catalogue.accounts.get(email.lower())

    def user_of_email(self, email: str) -> Account | None:
        """The same as GraphQL sees it: people only, and never the committer of the web interface."""
        found = None if email.lower() == WEB_FLOW_EMAIL else self.account_of_email(email)
        return found if found and found.id and found.is_user else None

    def tip(self, repository: Repository) -> str | None:
        """The newest commit of the default branch at this moment; None in an empty repository."""
        return self.store.resolve(repository.path, f"refs/heads/{repository.default_branch}")
