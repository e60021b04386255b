"""Which token is used, and how one that expires is renewed: once, whoever asks."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr
from sign_in_scene import CLIENT, SharedTime, github_in_time, oauth_server, only_code

from git_contrib_assets.errors import GitHubUnavailable, StorageError, TokenRefused
from git_contrib_assets.settings import Settings
from git_contrib_assets.sources.github.authorisation import FixedToken
from git_contrib_assets.sources.github.client import GitHubClient
from git_contrib_assets.sources.github.limits import Budget
from git_contrib_assets.sources.github.sign_in import Grant
from git_contrib_assets.sources.github.user import User
from git_contrib_assets.storage.authorisation import StoredSignIn, authorisation_for
from git_contrib_assets.storage.credentials import Credentials, SignIn
from git_contrib_assets.storage.home import Home
from github_stand_in.server import NO_CERTIFICATES, StandIn

SERVER = "https://github.com"
ANN = User(11, "ann", ("repo",), None)
NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
ROOT = Path(__file__).parents[2]


@pytest.fixture
def credentials(tmp_path: Path) -> Credentials:
    return Credentials(Home(tmp_path / "home"))


def stored(credentials: Credentials, token: str, server: str = SERVER, **more: object) -> SignIn:
    one = SignIn.of(ANN, Grant(SecretStr(token), ()), CLIENT).model_copy(update=more)
    with credentials.changing("a test") as sign_ins:
        sign_ins[server] = one
    return one


def expiring(credentials: Credentials, token: str, expires_at: datetime) -> SignIn:
    refresh = SecretStr(f"ghr_of_{token}")
    obtained_at = expires_at - 8 * HOUR
    return stored(credentials, token, obtained_at=obtained_at, expires_at=expires_at, refresh_token=refresh)


class Renewals:
    """A server that renews, or fails to."""

    def __init__(self, *failures: Exception) -> None:
        self.asked: list[tuple[str, str, str]] = []
        self.failures = list(failures)

    def __call__(self, server: str, client_id: str, refresh_token: SecretStr) -> Grant:
        self.asked.append((server, client_id, refresh_token.get_secret_value()))
        if self.failures:
            raise self.failures.pop(0)
        number = len(self.asked)
        return Grant(SecretStr(f"gho_renewed_{number}"), (), 28_800, SecretStr(f"ghr_renewed_{number}"), 10**6)


def token_of(authorisation: StoredSignIn) -> str | None:
    token = authorisation.token()
    return token.get_secret_value() if token else None


def settings(home: Path, **more: object) -> Settings:
    return Settings(home=home, **more)


def test_the_environment_wins_over_a_sign_in(credentials: Credentials, tmp_path: Path) -> None:
    stored(credentials, "gho_stored")
    found = authorisation_for(settings(tmp_path / "home", token="ghp_of_the_environment", server_url=SERVER))
    assert isinstance(found, FixedToken)
    assert found.token().get_secret_value() == "ghp_of_the_environment"
    signed_in = authorisation_for(settings(tmp_path / "home", server_url=SERVER))
    assert signed_in.token().get_secret_value() == "gho_stored"
    assert "git-contrib login" in signed_in.advice


def test_a_sign_in_counts_for_its_own_server_only(credentials: Credentials, tmp_path: Path) -> None:
    stored(credentials, "gho_stored")
    other = authorisation_for(settings(tmp_path / "home", server_url="https://ghe.test"))
    assert (other.signed_in, other.current, other.token(), other.due) == (False, None, None, False)


def test_nobody_is_signed_in(tmp_path: Path) -> None:
    nobody = authorisation_for(settings(tmp_path / "none"))
    assert not nobody.signed_in
    assert not (tmp_path / "none").exists()


def test_a_damaged_file_is_told_at_once(credentials: Credentials, tmp_path: Path) -> None:
    stored(credentials, "gho_stored")
    credentials.path.write_text("{")
    with pytest.raises(StorageError, match="damaged"):
        authorisation_for(settings(tmp_path / "home", server_url=SERVER))
    assert authorisation_for(settings(tmp_path / "home", token="ghp_x")).signed_in


def test_another_sign_in_and_a_sign_out_are_seen_while_it_is_used(credentials: Credentials) -> None:
    authorisation = StoredSignIn(credentials, SERVER)
    assert not authorisation.signed_in
    stored(credentials, "gho_first")
    assert token_of(authorisation) == "gho_first"
    stored(credentials, "gho_second")
    assert token_of(authorisation) == "gho_second"
    with credentials.changing("a test") as sign_ins:
        sign_ins.clear()
    assert token_of(authorisation) is None


def test_a_token_that_does_not_expire_is_never_renewed(credentials: Credentials) -> None:
    stored(credentials, "gho_for_ever")
    renew = Renewals()
    authorisation = StoredSignIn(credentials, SERVER, renew=renew, clock=lambda: NOW + 10_000 * HOUR)
    assert not authorisation.due
    assert token_of(authorisation) == "gho_for_ever"
    assert renew.asked == []


def test_it_is_renewed_shortly_before_it_expires(credentials: Credentials) -> None:
    """So that a run longer than the token's life goes on."""
    expiring(credentials, "gho_first", NOW + HOUR)
    renew, now = Renewals(), [NOW]
    authorisation = StoredSignIn(credentials, SERVER, renew=renew, clock=lambda: now[0])
    assert (authorisation.due, token_of(authorisation)) == (False, "gho_first")
    now[0] = NOW + timedelta(minutes=49, seconds=59)
    assert not authorisation.due
    now[0] = NOW + timedelta(minutes=50)
    assert authorisation.due
    assert token_of(authorisation) == "gho_renewed_1"
    assert renew.asked == [(SERVER, CLIENT, "ghr_of_gho_first")]
    assert not authorisation.due
    now[0] += timedelta(hours=8)
    assert token_of(authorisation) == "gho_renewed_2"
    assert renew.asked[1:] == [(SERVER, CLIENT, "ghr_renewed_1")]
    assert credentials.sign_in(SERVER).expires_at == now[0] + timedelta(seconds=28_800)


def test_one_that_lives_for_moments_is_not_renewed_all_the_time(credentials: Credentials) -> None:
    """Some servers give tokens for less than the ten minutes before the end."""
    stored(
        credentials, "gho_x", obtained_at=NOW, expires_at=NOW + timedelta(minutes=4), refresh_token=SecretStr("ghr_x")
    )
    now = [NOW + timedelta(minutes=2, seconds=59)]
    authorisation = StoredSignIn(credentials, SERVER, renew=Renewals(), clock=lambda: now[0])
    assert not authorisation.due
    now[0] = NOW + timedelta(minutes=3)
    assert authorisation.due


def test_one_that_cannot_be_renewed_just_now_is_used_to_its_end(credentials: Credentials, capfd) -> None:
    expiring(credentials, "gho_first", NOW + HOUR)
    now = [NOW + timedelta(minutes=55)]
    renew = Renewals(GitHubUnavailable("github.com did not answer"))
    authorisation = StoredSignIn(credentials, SERVER, renew=renew, clock=lambda: now[0])
    assert token_of(authorisation) == "gho_first"
    assert "the sign-in was not renewed" in capfd.readouterr().err
    assert not authorisation.due  # not asked again for every request
    assert token_of(authorisation) == "gho_first"
    assert len(renew.asked) == 1


@pytest.mark.parametrize("error", [GitHubUnavailable("no network"), TokenRefused("the sign-in has ended")])
def test_one_that_has_expired_and_cannot_be_renewed_ends_the_work(credentials: Credentials, error: Exception) -> None:
    expiring(credentials, "gho_first", NOW)
    authorisation = StoredSignIn(credentials, SERVER, renew=Renewals(error), clock=lambda: NOW)
    with pytest.raises(type(error)):
        authorisation.token()


def test_a_refused_token_is_replaced_if_that_is_possible(credentials: Credentials) -> None:
    refused = SecretStr("gho_first")
    stored(credentials, "gho_first")
    assert not StoredSignIn(credentials, SERVER, renew=Renewals()).replaced(refused)  # it has no refresh token
    expiring(credentials, "gho_first", NOW + HOUR)
    renew = Renewals()
    authorisation = StoredSignIn(credentials, SERVER, renew=renew, clock=lambda: NOW)
    assert authorisation.replaced(refused)
    assert token_of(authorisation) == "gho_renewed_1"
    assert authorisation.replaced(refused)  # it is replaced already
    assert len(renew.asked) == 1
    with credentials.changing("a test") as sign_ins:
        sign_ins.clear()
    assert not authorisation.replaced(SecretStr("gho_renewed_1"))


def test_many_threads_renew_it_once(credentials: Credentials) -> None:
    expiring(credentials, "gho_first", NOW)
    renew, together = Renewals(), threading.Barrier(8)
    authorisations = [StoredSignIn(credentials, SERVER, renew=renew, clock=lambda: NOW) for _ in range(4)]

    def ask(number: int) -> str | None:
        together.wait()
        return token_of(authorisations[number % 4])

    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(ask, range(8))) == {"gho_renewed_1"}
    assert len(renew.asked) == 1


# With the stand-in


@pytest.fixture
def time() -> SharedTime:
    return SharedTime()


@pytest.fixture
def github(tmp_path: Path, time: SharedTime) -> Iterator[StandIn]:
    with github_in_time(tmp_path / "github", time) as stand_in:
        stand_in.oauth(token_seconds=28_800)
        yield stand_in


async def sign_in(github: StandIn, time: SharedTime, credentials: Credentials) -> SignIn:
    """Ann signs in; her token expires after eight hours of the shared time, and by the clock of the day at once."""
    time.then[1] = lambda: github.approve(only_code(github), "ann")
    async with oauth_server(github, time) as server:
        grant = await server.wait(await server.ask(["repo"]))
    one = SignIn.of(ANN, grant, CLIENT).model_copy(update={"expires_at": datetime.now(UTC)})
    with credentials.changing("a test") as sign_ins:
        sign_ins[github.server_url] = one
    return one


def spent(github: StandIn) -> int:
    return sum(entry["path"] == "/login/oauth/access_token" for entry in github.requests())


ASKER = """
import sys
from pathlib import Path
from git_contrib_assets.settings import Settings
from git_contrib_assets.storage.authorisation import authorisation_for
authorisation = authorisation_for(Settings(home=Path(sys.argv[1]), server_url=sys.argv[2]))
print("ready", flush=True)
sys.stdin.readline()
print(authorisation.token().get_secret_value())
"""


async def test_two_processes_that_renew_at_once_spend_one_refresh_token(
    github: StandIn, time: SharedTime, credentials: Credentials
) -> None:
    """The refresh token is good for one renewal: the second process finds what the first has got."""
    before = await sign_in(github, time, credentials)
    github.forget_requests()
    tokens = tokens_of_two_processes(credentials, github)
    assert tokens == {credentials.sign_in(github.server_url).token.get_secret_value()}
    assert tokens != {before.token.get_secret_value()}
    assert spent(github) == 1


def tokens_of_two_processes(credentials: Credentials, github: StandIn) -> set[str]:
    """What each is given; both ask at the same moment."""
    command = [sys.executable, "-c", ASKER, str(credentials.home.root), github.server_url]
    processes = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) for _ in range(2)
    ]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    tokens = {process.communicate()[0].strip() for process in processes}
    assert [process.returncode for process in processes] == [0, 0]
    return tokens


async def test_a_client_goes_on_with_another_token(github: StandIn, time: SharedTime, credentials: Credentials) -> None:
    """Renewed before it expires; and after a 401, because another process has renewed it, or GitHub has revoked it."""
    await sign_in(github, time, credentials)
    github.forget_requests()
    chosen = Settings(home=credentials.home.root, api_url=github.api_url, server_url=github.server_url)
    transport = httpx.AsyncHTTPTransport(verify=NO_CERTIFICATES)
    signed_in = StoredSignIn(credentials, github.server_url)
    async with GitHubClient(chosen, Budget(), authorisation=signed_in, transport=transport) as client:
        assert client.signed_in
        assert (await client.get("/user")).json()["login"] == "ann"
        assert spent(github) == 1
        first = credentials.sign_in(github.server_url)
        github.revoke_token(first.token.get_secret_value())
        assert (await client.get("/user")).json()["login"] == "ann"
        assert spent(github) == 2
        statuses = [entry["status"] for entry in github.requests("rest")]
        assert statuses == [200, 401, 200]
        github.fault(kind="rest", status=401, body={"message": "Bad credentials"})
        with pytest.raises(TokenRefused, match="run git-contrib login again"):
            await client.get("/user")
    assert spent(github) <= 4  # it does not ask for ever
