"""Commands that sign in and out: login and logout."""

import asyncio
import getpass
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click
from pydantic import SecretStr

from git_contrib_assets.cli.shell import errors_to_exit_codes, writing_to_stdout
from git_contrib_assets.errors import GitHubUnavailable, NotAllowed, UsageError
from git_contrib_assets.settings import Settings, current, is_token
from git_contrib_assets.storage.home import Home

if TYPE_CHECKING:
    from git_contrib_assets.sources.github.authorisation import Authorisation
    from git_contrib_assets.sources.github.sign_in import DeviceCode, Grant
    from git_contrib_assets.sources.github.user import User
    from git_contrib_assets.storage.credentials import SignIn

_MOST_BYTES = 1 << 16
_MAX_WAIT = 60.0
_MINUTE = 60


@click.command()
@click.option("--public-only", is_flag=True, help="Ask for nothing private: without the scope repo")
@click.option("--with-token", is_flag=True, help="Store a token of your own, read from standard input")
@click.option("--status", is_flag=True, help="Say who is signed in, and change nothing; exit code 5 if nobody is")
@errors_to_exit_codes
def login(public_only: bool, with_token: bool, status: bool) -> None:
    """Sign in to GitHub, with a code to enter on its page.

    \b
    Asked for are the scopes
      repo        private repositories, for the catalogue only. GitHub has none
                  that only reads them; git-contrib never writes
      read:org    the organisations you belong to
      user:email  your own e-mail addresses, for the catalogue

    The token lives in the file 'credentials' of the home, which only you can read. Where GITHUB_TOKEN is set, that is
    used instead. GIT_CONTRIB_OAUTH_CLIENT_ID names the OAuth app to sign in to.
    """
    if public_only + with_token + status > 1:
        raise UsageError("--public-only, --with-token and --status exclude each other: use one of them")
    settings = current()
    if status:
        _show_status(settings)
    elif with_token:
        _sign_in_with(settings, _token_from_input())
    else:
        _sign_in_by_code(settings, public_only=public_only)


@click.command()
@errors_to_exit_codes
def logout() -> None:
    """Forget the sign-in, and say where on GitHub to revoke it."""
    from git_contrib_assets.storage.credentials import Credentials

    settings = current()
    home, removed = Home(settings.home), None
    if home.root.exists():
        with Credentials(home).changing("a sign-out") as sign_ins:
            removed = sign_ins.pop(settings.server_url, None)
    if removed:
        page = settings.server_url + _page_to_revoke(removed)
        _say(
            f"Signed out of {settings.server_url}: the token is deleted here. To end it on GitHub too, revoke it at {page}"
        )
    else:
        _say(f"Nobody was signed in to {settings.server_url}. Its page is {settings.server_url}/settings/applications")
    if settings.token:
        _say("GITHUB_TOKEN is still set, and is used")


def _sign_in_by_code(settings: Settings, *, public_only: bool) -> None:
    from git_contrib_assets.sources.github.authorisation import FixedToken
    from git_contrib_assets.sources.github.sign_in import OAuthServer
    from git_contrib_assets.sources.github.user import PUBLIC_SCOPES, SCOPES

    if not settings.client_id:
        raise UsageError(
            f"There is no OAuth app to sign in to: register one at {settings.server_url}/settings/applications/new (any "
            "homepage and callback address will do), tick 'Enable Device Flow', and set GIT_CONTRIB_OAUTH_CLIENT_ID to its "
            "client id; or store a token of your own with git-contrib login --with-token"
        )
    client_id, wanted = settings.client_id, PUBLIC_SCOPES if public_only else SCOPES

    async def sign_in() -> "tuple[Grant, User]":
        async with OAuthServer(settings.server_url, client_id) as server:
            code = await server.ask([scope.name for scope in wanted])
            _tell(settings.server_url, code, {scope.name: scope.reason for scope in wanted})
            grant = await server.wait(code, _say)
        return grant, await _whose(settings, FixedToken(grant.token))

    grant, user = asyncio.run(sign_in())
    _keep(settings, user, grant, client_id)


def _sign_in_with(settings: Settings, token: SecretStr) -> None:
    """Store a token that a person made, if GitHub knows it."""
    from git_contrib_assets.sources.github.authorisation import FixedToken
    from git_contrib_assets.sources.github.sign_in import Grant

    advice = "make another on GitHub and give that; nothing was stored"
    user = asyncio.run(_whose(settings, FixedToken(token, advice)))
    _keep(settings, user, Grant(token, ()), None)


async def _whose(settings: Settings, authorisation: "Authorisation") -> "User":
    from git_contrib_assets.sources.github.client import GitHubClient
    from git_contrib_assets.sources.github.limits import Budget
    from git_contrib_assets.sources.github.user import whose

    budget = Budget(max_wait=_MAX_WAIT, on_wait=_say)
    async with GitHubClient(settings, budget, authorisation=authorisation) as client:
        return await whose(client)


def _keep(settings: Settings, user: "User", grant: "Grant", client_id: str | None) -> None:
    from git_contrib_assets.storage.credentials import Credentials, SignIn

    sign_in = SignIn.of(user, grant, client_id)
    with Credentials(Home(settings.home)).changing("a sign-in") as sign_ins:
        sign_ins[settings.server_url] = sign_in
    _say(f"Signed in to {settings.server_url} as {user.login} ({_scopes(sign_in.scopes)})")
    for line in _not_granted(sign_in.scopes):
        _say(line)
    if settings.token:
        _say("GITHUB_TOKEN is set, and is used instead for as long as it is")


def _token_from_input() -> SecretStr:
    """The token, never from the command line, which every program can see. A terminal does not show it."""
    from git_contrib_assets.logs import register_secret

    is_typed = sys.stdin.isatty()
    text = (
        getpass.getpass("Token: ", sys.stderr)
        if is_typed
        else sys.stdin.buffer.read(_MOST_BYTES).decode(errors="replace")
    )
    if not is_token(text.strip()):
        raise UsageError(
            "Standard input holds no token: give it the token alone, such as git-contrib login --with-token < FILE"
        )
    register_secret(text.strip())
    return SecretStr(text.strip())


def _show_status(settings: Settings) -> None:
    """Who is signed in, as GitHub says it now. Raises NotAllowed if nobody is, or what asking GitHub raises."""
    from git_contrib_assets.storage.authorisation import authorisation_for
    from git_contrib_assets.storage.credentials import Credentials

    authorisation = authorisation_for(settings)
    if not authorisation.signed_in:
        raise NotAllowed(f"Nobody is signed in to {settings.server_url}: run git-contrib login, or set GITHUB_TOKEN")
    failure, user = None, None
    try:
        user = asyncio.run(_whose(settings, authorisation))
    except GitHubUnavailable as error:
        if settings.token:
            raise
        failure = error
    stored = None if settings.token else Credentials(Home(settings.home)).sign_in(settings.server_url)
    with writing_to_stdout():
        for name, value in _status(settings.server_url, user, stored).items():
            click.echo(f"{name + ':':<9}{value}")
    for line in _not_granted(user.scopes if user else stored.scopes if stored else None):
        _say(line)
    if failure:
        raise failure


def _status(server_url: str, user: "User | None", stored: "SignIn | None") -> dict[str, str]:
    """What is known: from GitHub if it answered, else as it was stored."""
    known = user or stored
    if known is None:  # somebody signed out meanwhile
        return {"server": server_url, "user": "nobody"}
    until = stored.expires_at if stored and stored.expires_at else user.expires_at if user else None
    more = ", and is renewed by itself" if stored and stored.refresh_token else ""
    source = f"git-contrib login, {_moment(stored.obtained_at)}" if stored else "GITHUB_TOKEN"
    return {
        "server": server_url,
        "user": f"{known.login} ({known.user_id})",
        "scopes": _scopes(known.scopes),
        "until": f"{_moment(until)}{more}" if until else "no end told",
        "source": source,
    }


def _tell(server_url: str, code: "DeviceCode", wanted: dict[str, str]) -> None:
    minutes = max(1, round(code.seconds / _MINUTE))
    _say(f"To sign in to {server_url}, open\n\n    {code.address}\n\nand enter the code\n\n    {code.user_code}\n")
    _say("It asks for:")
    for name, reason in wanted.items():
        _say(f"  {name:<12}{reason}")
    _say(f"Waiting for {minutes} min at most; Ctrl-C ends it, and nothing is stored")


def _not_granted(scopes: tuple[str, ...] | None) -> list[str]:
    from git_contrib_assets.sources.github.user import lacking

    return [f"Without the scope {scope.name}, {scope.without}" for scope in lacking(scopes)]


def _scopes(scopes: tuple[str, ...] | None) -> str:
    return "scopes not told" if scopes is None else ", ".join(scopes) or "no scopes"


def _page_to_revoke(sign_in: "SignIn") -> str:
    """Tokens of OAuth apps, of GitHub Apps, and those that a person made are on three pages of GitHub's."""
    if sign_in.client_id is None:
        return "/settings/tokens"
    is_of_github_app = sign_in.token.get_secret_value().startswith("ghu_")
    return "/settings/apps/authorizations" if is_of_github_app else "/settings/applications"


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _say(line: str) -> None:
    from git_contrib_assets.logs import redact

    click.echo(redact(line), err=True)
