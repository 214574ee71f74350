"""Which address of this host a server is reached by."""

import socket

from loadtest.callers.address import Address


def own_address(server: Address) -> str:
    """Of the server's family; nothing is sent. Raises OSError where there is no way."""
    family = socket.AF_INET6 if ":" in server[0] else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.connect(server)
        host: str = probe.getsockname()[0]
        return host
