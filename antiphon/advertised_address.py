"""The address that clients are told to send media to."""

import contextlib
import ipaddress
import socket

from chassis.host_port import HostPort

# Documentation addresses: a route is looked up for them, no packet is sent.
# https://datatracker.ietf.org/doc/html/rfc5737 and rfc3849
_SOMEWHERE = {socket.AF_INET: "192.0.2.1", socket.AF_INET6: "2001:db8::1"}


def parse_advertise(text: str) -> HostPort:
    """Read `ADDRESS` or `ADDRESS:PORT`; port 0 stands for the relay's own.

    Raises ValueError unless the address is an IP address that a peer could reach.
    """
    try:
        address = HostPort(str(ipaddress.ip_address(text.strip().strip("[]"))), 0)
    except ValueError:
        address = HostPort.parse(text)
    if ipaddress.ip_address(address.host).is_unspecified:
        raise ValueError(f"must be an address that clients can reach, not {address.host}")
    return address


def advertised_address(wish: HostPort | None, relay: HostPort) -> HostPort:
    """What the SDP's candidate says, for a relay that listens on `relay`."""
    if wish is not None:
        return HostPort(wish.host, wish.port or relay.port)
    if not _is_wildcard(relay.host):
        return relay
    return HostPort(primary_address(ipv6=":" in relay.host), relay.port)


def primary_address(*, ipv6: bool = False) -> str:
    """The address that this machine uses towards the internet, or loopback without a route."""
    family = socket.AF_INET6 if ipv6 else socket.AF_INET
    with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.connect((_SOMEWHERE[family], 9))
        return str(probe.getsockname()[0])
    return "::1" if ipv6 else "127.0.0.1"


def _is_wildcard(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False
