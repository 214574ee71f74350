"""Where a client is, by the addresses that proxies wrote into a header.

Each proxy appends the address that it was reached from, so that the list is believed from its
end, as far back as proxies that are trusted wrote it; what is before a client wrote itself.
https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/X-Forwarded-For#selecting_an_ip_address
"""

import re
from collections.abc import Callable, Sequence

from transceiver.regions.network_map import IpAddress, plain_address

MAX_HOPS = 16
"""Entries that are read, from the end."""

_WITH_PORT = re.compile(r"(?:\[([^\]]*)\]|([^:]*))(?::[0-9]{1,5})?")
"""An IPv6 address in brackets or an IPv4 one, either maybe with a port, as some proxies say."""


def client_address(
    sender: str, lines: Sequence[str], trusted: Callable[[IpAddress], bool]
) -> IpAddress | None:
    """The address nearest to the client that somebody trusted vouches for.

    `sender` is the connection's peer, `lines` are the header's values. None where `sender`, or
    what a trusted proxy wrote, is no IP address.
    """
    address = plain_address(sender)
    entries = ",".join(lines).rsplit(",", MAX_HOPS)[-MAX_HOPS:] if lines else []
    for entry in reversed(entries):
        if address is None or not trusted(address):
            break
        address = _entry(entry.strip())
    return address


def _entry(text: str) -> IpAddress | None:
    match = _WITH_PORT.fullmatch(text)
    host = (match[1] or match[2]) if match else text
    return plain_address(host)
