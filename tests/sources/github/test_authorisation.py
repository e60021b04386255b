"""A token that never changes."""

from pydantic import SecretStr

from git_contrib_assets.logs import redact
from git_contrib_assets.sources.github.authorisation import FixedToken


def test_it_is_there_or_not():
    token = FixedToken(SecretStr("a-token-of-no-known-kind"))
    assert (token.signed_in, FixedToken().signed_in) == (True, False)
    assert token.token() is token.current
    assert FixedToken().token() is None
    assert not token.due


def test_it_is_not_renewed_and_not_shown():
    secret = SecretStr("another-token-of-no-known-kind")
    token = FixedToken(secret)
    assert not token.replaced(secret)
    assert secret.get_secret_value() not in repr(token)
    assert secret.get_secret_value() not in redact(f"Bearer {secret.get_secret_value()}")
