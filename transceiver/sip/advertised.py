"""The names by which SIP peers reach us."""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass

from chassis.host_port import HostPort
from transceiver.sip.application import SentBy
from transceiver.sip.flow import SipTransport

_LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_DOMAIN = re.compile(rf"(?:{_LABEL}\.)*[A-Za-z](?:[A-Za-z0-9-]*[A-Za-z0-9])?")


def sip_host(text: str) -> HostPort:
    """Read HOST or HOST:PORT, a domain name or an address; port 0 where none is told.

    Raises ValueError for what no SIP URI can hold, and for a wildcard.
    """
    try:
        address = HostPort(str(ipaddress.ip_address(text.strip().strip("[]"))), 0)
    except ValueError:
        address = HostPort.parse(text if ":" in text else f"{text}:0")
    if not _can_be_reached(address.host):
        raise ValueError(f"expected a name or an address that peers can reach, not {address.host}")
    return address


def _can_be_reached(host: str) -> bool:
    try:
        return not ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return _DOMAIN.fullmatch(host) is not None


@dataclass(frozen=True, slots=True)
class Advertised:
    """What our Via and our Contact say."""

    host: str
    """A domain name, or an address without brackets."""
    ports: Mapping[SipTransport, int]

    def sent_by(self, transport: SipTransport) -> SentBy:
        """By a transport that is not served peers answer by the flow that they have, if at all."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return SentBy(host, self.ports.get(transport))
