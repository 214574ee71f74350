"""A host and a port, as flags and environment variables write them."""

import ipaddress
from typing import NamedTuple

DNS_PREFIX = "dns:"
"""Before a name that stands for all that it resolves to, as a headless Service's does."""


class HostPort(NamedTuple):
    """A network address; IPv6 hosts are held without brackets."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> "HostPort":
        """Read `127.0.0.1:8080`, `localhost:0` or `[::1]:8080`.

        Raises ValueError when the host or the port is missing or out of range.
        """
        host, separator, port = text.strip().rpartition(":")
        if host.startswith("[") and host.endswith("]"):
            host = host[1:-1]
        elif ":" in host:
            raise ValueError(f"an IPv6 address needs brackets: [{host}]:{port}")
        if not separator or not host:
            raise ValueError(f"expected HOST:PORT, not {text!r}")
        if not (port.isascii() and port.isdigit() and int(port) <= 65535):
            raise ValueError(f"port must be a number from 0 to 65535, not {port!r}")
        return cls(host, int(port))

    @classmethod
    def parse_concrete(cls, text: str) -> "HostPort":
        """Read an IP address that a peer can be told: no host name, no wildcard.

        Raises ValueError otherwise.
        """
        address = cls.parse(text)
        if ipaddress.ip_address(address.host).is_unspecified:
            raise ValueError(f"must be an address that peers can reach, not {address.host}")
        return address

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"
