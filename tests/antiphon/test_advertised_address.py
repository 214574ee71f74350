import ipaddress
import socket

import pytest

from antiphon.advertised_address import advertised_address, parse_advertise, primary_address
from chassis.host_port import HostPort


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("192.0.2.7", ("192.0.2.7", 0)),
        ("192.0.2.7:3478", ("192.0.2.7", 3478)),
        ("2001:db8::7", ("2001:db8::7", 0)),
        ("[2001:db8::7]", ("2001:db8::7", 0)),
        ("[2001:db8::7]:3478", ("2001:db8::7", 3478)),
    ],
)
def test_reads_an_address_with_or_without_a_port(text: str, address: tuple[str, int]) -> None:
    assert parse_advertise(text) == address


@pytest.mark.parametrize("text", ["", "0.0.0.0", "[::]:3478", "relay.example", "192.0.2.7:http"])
def test_refuses_what_clients_could_not_reach(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_advertise(text)


def test_the_relays_port_is_used_unless_another_was_wished() -> None:
    relay = HostPort("0.0.0.0", 3478)
    assert advertised_address(HostPort("192.0.2.7", 0), relay) == ("192.0.2.7", 3478)
    assert advertised_address(HostPort("192.0.2.7", 99), relay) == ("192.0.2.7", 99)


def test_a_concrete_bind_address_is_what_clients_are_told() -> None:
    assert advertised_address(None, HostPort("127.0.0.1", 3478)) == ("127.0.0.1", 3478)


def test_a_wildcard_stands_for_an_address_of_this_machine() -> None:
    host, port = advertised_address(None, HostPort("0.0.0.0", 3478))
    assert port == 3478
    assert not ipaddress.ip_address(host).is_unspecified
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((host, 0))  # raises unless the address is this machine's


def test_a_machine_without_a_route_has_its_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    class Unreachable(socket.socket):
        def connect(self, address: object, /) -> None:
            raise OSError(101, "Network is unreachable")

    monkeypatch.setattr(socket, "socket", Unreachable)
    assert primary_address() == "127.0.0.1"
    assert primary_address(ipv6=True) == "::1"
