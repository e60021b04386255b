"""Ports that are free, addresses that a browser can open, and the hosts of the UI."""

import socket
from collections.abc import Iterator

import pytest

from git_contrib_assets.errors import PortTaken, UsageError
from git_contrib_assets.runtime.ports import free_ports, host_name, ui_hosts, web_address


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that another program listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def test_zero_becomes_ports_that_are_free_and_different() -> None:
    ports = free_ports("127.0.0.1", {"--ui-port": 0, "--port": 0})
    assert len({*ports.values()}) == 2
    for port in ports.values():
        with socket.create_server(("127.0.0.1", port)):
            pass


def test_a_taken_port_names_the_option_that_changes_it(taken: int) -> None:
    with pytest.raises(PortTaken, match=rf"^Port {taken} is taken by another program: .* with --ui-port "):
        free_ports("127.0.0.1", {"--port": 0, "--ui-port": taken})


@pytest.mark.parametrize("host", ["192.0.2.7", "no.such.host.invalid"])
def test_a_host_of_another_machine_is_wrong_usage(host: str) -> None:
    with pytest.raises(UsageError, match=f"--host {host} is no address of this machine"):
        free_ports(host, {"--port": 0})


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "http://127.0.0.1:3000"),
        ("0.0.0.0", "http://127.0.0.1:3000"),
        ("::", "http://[::1]:3000"),
        ("server.example", "http://server.example:3000"),
    ],
)
def test_the_address_to_open(host: str, address: str) -> None:
    assert web_address(host, 3000) == address


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("dagster.example", "dagster.example"),
        ("my_machine:3000", "my_machine"),
        ("[::1]:3000", "::1"),
        ("[2001:db8::7]", "2001:db8::7"),
        ("::1", None),
        ("dagster.example:", None),
        ("me@dagster.example", None),
        ("dagster.example/ui", None),
        ("", None),
    ],
)
def test_the_name_in_a_host(host: str, name: str | None) -> None:
    assert host_name(host) == name


@pytest.mark.parametrize(
    ("text", "hosts"),
    [("", set()), (" Dagster.Example ,, inside.example:8443,", {"dagster.example", "inside.example:8443"})],
)
def test_the_hosts_of_the_setting(monkeypatch: pytest.MonkeyPatch, text: str, hosts: set[str]) -> None:
    monkeypatch.setenv("GIT_CONTRIB_UI_HOSTS", text)
    assert ui_hosts() == hosts


@pytest.mark.parametrize("text", ["https://dagster.example", "dagster.example/ui", "*", "a b", "me@dagster.example"])
def test_a_setting_that_is_no_host_is_wrong_usage(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("GIT_CONTRIB_UI_HOSTS", f"localhost,{text}")
    with pytest.raises(UsageError, match=r"^GIT_CONTRIB_UI_HOSTS contains "):
        ui_hosts()
