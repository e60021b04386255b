"""Who asks: everybody, or somebody with the server's token, who may see private rows (RFC 6750).

Only routes that hold private rows look at the Authorization header; the answers of all others are public, whoever asks.
A bearer that is wrong is refused, and never answered as if there were none: a client would take public rows for all rows.
So is any that is sent to a server without a token. Another scheme is refused by a server with a token; without one it can
only be meant for somebody else, such as a proxy that asks for a password, and does not count.
"""

import hmac
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import Depends, Request
from pydantic import SecretStr

from api.kit.problems import NOT_AUTHORISED, ProblemError

SCHEME = "bearer"
# for the description: with the token, or without
OPTIONAL_BEARER: dict[str, Any] = {"security": [{}, {SCHEME: []}]}
SECURITY_SCHEMES = {
    SCHEME: {
        "type": "http",
        "scheme": SCHEME,
        "description": "The server's `GIT_CONTRIB_API_TOKEN`. With it, private repositories and the addresses of owners "
        "are answered, too.",
    }
}


async def _sees_private(request: Request) -> bool:
    """Whether the request bears the server's token. Raises ProblemError for one that bears anything else."""
    given = request.headers.getlist("authorization")
    if not given:
        return False
    token = request.app.state.settings.token
    if token is None:
        if all(_scheme_and_rest(one)[0] != SCHEME for one in given):
            return False
        raise ProblemError(
            NOT_AUTHORISED, "This server has no token, so it has only public rows: leave out the Authorization header."
        )
    if not is_right(given, token):
        raise ProblemError(
            NOT_AUTHORISED, "The Authorization header must be Bearer with this server's GIT_CONTRIB_API_TOKEN."
        )
    return True


def is_right(given: Sequence[str], token: SecretStr) -> bool:
    """Whether the values of the Authorization header are one, and bear the token. How long it takes does not tell how much fits."""
    scheme, borne = _scheme_and_rest(given[0])
    fits = hmac.compare_digest(borne.encode(), token.get_secret_value().encode())
    return fits and scheme == SCHEME and len(given) == 1


def _scheme_and_rest(header: str) -> tuple[str, str]:
    scheme, _, rest = header.strip(" \t").partition(" ")
    return scheme.lower(), rest.strip(" \t")


# the type of a parameter of an endpoint; it is found out before any other parameter is looked at
SeesPrivate = Annotated[bool, Depends(_sees_private)]
