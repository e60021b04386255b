"""What login and logout say and store, against the stand-in. With a code to enter: tests/end_to_end/test_sign_in.py."""

import stat
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from pydantic import SecretStr
from sign_in_scene import CLIENT, build

from git_contrib_assets.cli.main import main
from git_contrib_assets.sources.github.sign_in import Grant
from git_contrib_assets.sources.github.user import User
from git_contrib_assets.storage.credentials import Credentials, SignIn
from git_contrib_assets.storage.home import Home
from github_stand_in.server import StandIn, running

OWN = "ghp_a_token_of_anns_own"
Command = Callable[..., Result]


@pytest.fixture(scope="module")
def github(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    with running(build(tmp_path_factory.mktemp("world") / "github")) as stand_in:
        yield stand_in


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def command(github: StandIn, home: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Run a command; variables are set on top of those that lead to the stand-in."""
    github.clear_faults()
    github.add_token(OWN, login="ann", id=11, scopes=["repo", "read:org"], organisations=["acme"])
    for name in ("GITHUB_TOKEN", "GIT_CONTRIB_OAUTH_CLIENT_ID", "DAGSTER_HOME"):
        monkeypatch.delenv(name, raising=False)

    def run(*arguments: str, given: str = "", **variables: str) -> Result:
        environment = {**github.environment(), "GIT_CONTRIB_HOME": str(home), **variables}
        return CliRunner().invoke(main, list(arguments), input=given, env=environment)

    return run


def stored(github: StandIn, home: Path, **more: object) -> SignIn:
    """A sign-in as a code would have brought it."""
    user = User(11, "ann", ("repo", "read:org"), None)
    one = SignIn.of(user, Grant(SecretStr(OWN), ()), CLIENT).model_copy(update=more)
    with Credentials(Home(home)).changing("a test") as sign_ins:
        sign_ins[github.server_url] = one
    return one


def lines(result: Result) -> dict[str, str]:
    return {name: value.strip() for name, _, value in (line.partition(":") for line in result.stdout.splitlines())}


def test_without_an_app_it_says_how_to_register_one(command: Command, github: StandIn, home: Path) -> None:
    result = command("login")
    assert result.exit_code == 2
    for words in (
        f"{github.server_url}/settings/applications/new",
        "Enable Device Flow",
        "GIT_CONTRIB_OAUTH_CLIENT_ID",
    ):
        assert words in result.stderr
    assert not home.exists()


def test_a_client_id_that_is_none(command: Command) -> None:
    result = command("login", GIT_CONTRIB_OAUTH_CLIENT_ID="Iv1 with a space")
    assert result.exit_code == 2
    assert "GIT_CONTRIB_OAUTH_CLIENT_ID" in result.stderr


def test_help_says_what_each_scope_is_for(command: Command) -> None:
    text = " ".join(command("login", "--help").stdout.split())
    assert "repo private repositories" in text
    assert "GitHub has none that only reads them" in text
    assert "read:org the organisations" in text
    assert "user:email your own e-mail addresses" in text


@pytest.mark.parametrize("options", [("--status", "--with-token"), ("--public-only", "--with-token")])
def test_one_thing_at_a_time(command: Command, options: tuple[str, ...]) -> None:
    assert command("login", *options).exit_code == 2


def test_a_token_of_ones_own(command: Command, github: StandIn, home: Path) -> None:
    """Asked whose it is, then stored; never shown."""
    result = command("login", "--with-token", given=f"{OWN}\n")
    assert result.exit_code == 0, result.output
    assert f"Signed in to {github.server_url} as ann (repo, read:org)" in result.stderr
    assert "Without the scope user:email, your own e-mail address" in result.stderr
    assert "Without the scope repo" not in result.stderr
    assert OWN not in result.output
    path = home / "credentials"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    found = Credentials(Home(home)).sign_in(github.server_url)
    assert (found.token.get_secret_value(), found.login, found.client_id) == (OWN, "ann", None)


@pytest.mark.parametrize("given", ["", "\n", "two words", "ghp_ä", "x" * 20_000], ids=range(5))
def test_what_is_no_token_is_not_sent(command: Command, github: StandIn, home: Path, given: str) -> None:
    github.forget_requests()
    result = command("login", "--with-token", given=given)
    assert result.exit_code == 2
    assert "Standard input holds no token" in result.stderr
    assert github.requests() == []
    assert not home.exists()


def test_a_token_that_github_refuses_is_not_stored(command: Command, home: Path) -> None:
    result = command("login", "--with-token", given="ghp_wrong_one")
    assert result.exit_code == 5
    assert "nothing was stored" in result.stderr
    assert "ghp_wrong_one" not in result.output
    assert not home.exists()


def test_nobody_is_signed_in(command: Command, github: StandIn) -> None:
    result = command("login", "--status")
    assert (result.exit_code, result.stdout) == (5, "")
    assert f"Nobody is signed in to {github.server_url}: run git-contrib login" in result.stderr


def test_who_is_signed_in(command: Command, github: StandIn, home: Path) -> None:
    one = stored(github, home)
    result = command("login", "--status")
    assert result.exit_code == 0, result.output
    assert lines(result) == {
        "server": github.server_url,
        "user": "ann (11)",
        "scopes": "repo, read:org",
        "until": "no end told",
        "source": f"git-contrib login, {one.obtained_at:%Y-%m-%d %H:%M} UTC",
    }
    assert "Without the scope user:email" in result.stderr
    assert OWN not in result.output


def test_until_when(command: Command, github: StandIn, home: Path) -> None:
    stored(github, home, expires_at=datetime(2100, 1, 2, 3, 4, tzinfo=UTC), refresh_token=SecretStr("ghr_x"))
    assert lines(command("login", "--status"))["until"] == "2100-01-02 03:04 UTC, and is renewed by itself"


def test_the_environments_token_wins_and_is_named(command: Command, github: StandIn, home: Path) -> None:
    stored(github, home)
    github.add_token("ghp_of_the_environment=bob")
    result = command("login", "--status", GITHUB_TOKEN="ghp_of_the_environment")
    assert result.exit_code == 0
    found = lines(result)
    assert (found["user"].split()[0], found["scopes"], found["source"]) == ("bob", "no scopes", "GITHUB_TOKEN")
    assert "ghp_of_the_environment" not in result.output
    again = command("login", "--with-token", given=OWN, GITHUB_TOKEN="ghp_of_the_environment")
    assert "GITHUB_TOKEN is set, and is used instead" in again.stderr
    out = command("logout", GITHUB_TOKEN="ghp_of_the_environment")
    assert "GITHUB_TOKEN is still set" in out.stderr


def test_a_sign_in_that_was_revoked(command: Command, github: StandIn, home: Path) -> None:
    stored(github, home)
    github.revoke_token(OWN)
    result = command("login", "--status")
    assert result.exit_code == 5
    assert "run git-contrib login again" in result.stderr


def test_without_a_network_what_was_stored_is_told(command: Command, github: StandIn, home: Path) -> None:
    stored(github, home)
    github.fault(kind="rest", status=404, body={"message": "Not Found"})
    result = command("login", "--status")
    assert result.exit_code == 1
    assert lines(result)["user"] == "ann (11)"
    assert "try again later" in result.stderr
    assert command("login", "--status", GITHUB_TOKEN=OWN).stdout == ""


def test_signing_out_twice(command: Command, github: StandIn, home: Path) -> None:
    stored(github, home)
    result = command("logout")
    assert result.exit_code == 0
    assert f"revoke it at {github.server_url}/settings/applications" in result.stderr
    assert not (home / "credentials").exists()
    again = command("logout")
    assert again.exit_code == 0
    assert f"Nobody was signed in to {github.server_url}" in again.stderr
    assert OWN not in result.output + again.output


def test_signing_out_makes_no_home(command: Command, home: Path) -> None:
    assert command("logout").exit_code == 0
    assert not home.exists()


@pytest.mark.parametrize(
    ("more", "page"),
    [({"client_id": None}, "/settings/tokens"), ({"token": SecretStr("ghu_x")}, "/settings/apps/authorizations")],
)
def test_where_a_token_is_revoked(
    command: Command, github: StandIn, home: Path, more: dict[str, object], page: str
) -> None:
    stored(github, home, **more)
    assert f"{github.server_url}{page}" in command("logout").stderr


def test_other_servers_stay_signed_in(command: Command, github: StandIn, home: Path) -> None:
    one = stored(github, home)
    with Credentials(Home(home)).changing("a test") as sign_ins:
        sign_ins["https://ghe.test"] = one
    command("logout")
    assert Credentials(Home(home)).sign_in("https://ghe.test") == one


@pytest.mark.parametrize("arguments", [("login", "--status"), ("logout",), ("login", "--with-token")])
def test_a_damaged_file_ends_every_command_with_what_to_do(
    command: Command, github: StandIn, home: Path, arguments: tuple[str, ...]
) -> None:
    stored(github, home)
    (home / "credentials").write_text("{")
    result = command(*arguments, given=OWN)
    assert result.exit_code == 1
    assert "credentials is damaged: delete it" in result.stderr
