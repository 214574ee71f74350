"""Where the host of a SIP URI is: by what transport, at which addresses, in what order.

https://www.rfc-editor.org/rfc/rfc3263#section-4
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from sipmessage import URI

from antiphon_proto.address import Address
from transceiver.sip.flow import SipTransport
from transceiver.sip.ip_host import ip_host
from transceiver.sip.next_hop import NextHop

DEFAULT_PORTS = {SipTransport.UDP: 5060, SipTransport.TCP: 5060, SipTransport.TLS: 5061}
"""Of the transports by which peers are reached; over WebSockets they come to us."""

MAX_ADDRESSES = 8

_SERVICES = {
    SipTransport.UDP: "_sip._udp",
    SipTransport.TCP: "_sip._tcp",
    SipTransport.TLS: "_sips._tcp",
}
_NAPTR_SERVICES = {
    "SIP+D2U": SipTransport.UDP,
    "SIP+D2T": SipTransport.TCP,
    "SIPS+D2T": SipTransport.TLS,
}


@dataclass(frozen=True, slots=True)
class Srv:
    """https://www.rfc-editor.org/rfc/rfc2782"""

    priority: int
    weight: int
    port: int
    target: str


@dataclass(frozen=True, slots=True)
class Naptr:
    """https://www.rfc-editor.org/rfc/rfc3403#section-4.1"""

    order: int
    preference: int
    service: str


class DnsRecords(Protocol):
    """Empty where there are none, and where nobody answers."""

    async def naptr(self, name: str) -> Sequence[Naptr]: ...

    async def srv(self, name: str) -> Sequence[Srv]: ...

    async def hosts(self, name: str) -> Sequence[str]:
        """IP addresses."""
        ...


async def chosen_hop(uri: URI, dns: DnsRecords) -> NextHop:
    """A hop by the transport that the URI names, else its host's records prefer.

    Raises ValueError as `NextHop.of` does.
    """
    hop = NextHop.of(uri)
    if "transport" in uri.parameters or uri.port or ip_host(_host(uri)):
        return hop
    records = sorted(await dns.naptr(_host(uri)), key=lambda each: (each.order, each.preference))
    for record in records:
        transport = _NAPTR_SERVICES.get(record.service.upper())
        if transport is not None and (uri.scheme == "sip" or transport.secure):
            return NextHop(uri, transport)
    return hop


async def locate(hop: NextHop, dns: DnsRecords, random: Callable[[], float]) -> list[Address]:
    """The addresses of a hop, the first to be tried first; none if it cannot be reached.

    `random` gives numbers from 0 up to 1. As long as the records are the same, the same numbers
    give the same order: all requests of a transaction must go to one address.
    """
    default = DEFAULT_PORTS.get(hop.transport)
    if default is None:
        return []
    host = _host(hop.uri)
    port = default if hop.uri.port is None else hop.uri.port
    if ip_host(host):
        return _valid([(host, port)])
    if hop.uri.port is None:
        records = await dns.srv(f"{_SERVICES[hop.transport]}.{host}")
        if records:
            return _valid(await _srv_addresses(in_turn(records, random), dns))
    hosts = [(random(), each) for each in sorted(await dns.hosts(host))]
    return _valid((each, port) for _, each in sorted(hosts))


def in_turn(records: Iterable[Srv], random: Callable[[], float]) -> list[Srv]:
    """By priority, and by lot within one: https://www.rfc-editor.org/rfc/rfc2782 ("Weight")."""
    # A weight of w draws the largest of w numbers: who has more of them comes first more often.
    drawn = [
        (each.priority, -(random() ** (1 / max(each.weight, 0.01))), each.target, each)
        for each in sorted(records, key=lambda each: (each.target, each.port))
    ]
    return [each[-1] for each in sorted(drawn, key=lambda each: each[:3])]


async def _srv_addresses(records: Iterable[Srv], dns: DnsRecords) -> list[Address]:
    found: list[Address] = []
    for record in records:
        target = record.target.rstrip(".")
        if target and len(found) < MAX_ADDRESSES:
            found += [(each, record.port) for each in sorted(await dns.hosts(target))]
    return found


def _valid(addresses: Iterable[Address]) -> list[Address]:
    return [each for each in addresses if 0 < each[1] <= 0xFFFF][:MAX_ADDRESSES]


def _host(uri: URI) -> str:
    return (uri.parameters.get("maddr") or uri.host).strip("[]").rstrip(".").lower()


def server_name(hop: NextHop) -> str:
    """Whom the certificate of a hop over TLS must name."""
    return hop.uri.host.strip("[]").rstrip(".").lower()
