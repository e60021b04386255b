"""Free ports, the address to open, and the hosts that an address may name."""

import contextlib
import errno
import random
import re
import socket
from collections.abc import Mapping

from git_contrib_assets.errors import PortTaken, UsageError
from git_contrib_assets.settings import current

UI_HOSTS = "GIT_CONTRIB_UI_HOSTS"
ALL_ADDRESSES = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - said by the person, not chosen here
# The system gives none of these to others by itself, as it might before our program listens.
_NOT_GIVEN_AWAY = range(20_000, 32_768)
_HOST = re.compile(r"(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::[0-9]{1,5})?")
_SHOWN = 100


def free_ports(host: str, wanted: Mapping[str, int]) -> dict[str, int]:
    """The wanted ports by the option that names them; 0 becomes one that is free.

    Raises PortTaken, or UsageError for a host that is not this machine.
    """
    with contextlib.ExitStack() as held:
        return {option: _free_port(host, port, option, held) for option, port in wanted.items()}


def _free_port(host: str, port: int, option: str, held: contextlib.ExitStack) -> int:
    if port == 0:
        for one in random.sample(_NOT_GIVEN_AWAY, 20):
            with contextlib.suppress(PortTaken):
                return _free_port(host, one, option, held)
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = held.enter_context(socket.socket(family, kind, protocol))
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(1)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise PortTaken(
                f"Port {port} is taken by another program: choose another with {option} (0: any that is free)"
            ) from error
        if error.errno in {errno.EACCES, errno.EPERM}:
            raise PortTaken(f"Port {port} is not allowed here: choose one above 1023 with {option}") from error
        raise UsageError(f"--host {host} is no address of this machine ({error.strerror or error})") from error
    return int(listener.getsockname()[1])


def web_address(host: str, port: int) -> str:
    """An address that a browser here can open."""
    host = ALL_ADDRESSES.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def host_name(host: str) -> str | None:
    """A host of an address, in small letters, without its port; None if it is not a host."""
    found = _HOST.fullmatch(host)
    return (found[1] or found[2]) if found else None


def ui_hosts() -> frozenset[str]:
    """The other hosts that people reach the UI under, as their address bar shows them.

    Raises UsageError if an entry of the setting is not a host.
    """
    hosts = {host.lower() for host in current().ui_hosts}
    for host in sorted(hosts):
        if host_name(host) is None:
            raise UsageError(
                f"{UI_HOSTS} contains {host[:_SHOWN]!r}: list the hosts as the address bar shows them, for example "
                "dagster.example,dagster.example:8443"
            )
    return frozenset(hosts)
