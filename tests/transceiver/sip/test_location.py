import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

import pytest
from sipmessage import URI

from transceiver.sip.flow import SipTransport
from transceiver.sip.location import MAX_ADDRESSES, Naptr, Srv, chosen_hop, in_turn, locate
from transceiver.sip.next_hop import NextHop


@dataclass
class Zone:
    """Records as a name server would give them."""

    naptrs: dict[str, list[Naptr]] = field(default_factory=dict)
    srvs: dict[str, list[Srv]] = field(default_factory=dict)
    addresses: dict[str, list[str]] = field(default_factory=dict)

    async def naptr(self, name: str) -> Sequence[Naptr]:
        return self.naptrs.get(name, [])

    async def srv(self, name: str) -> Sequence[Srv]:
        return self.srvs.get(name, [])

    async def hosts(self, name: str) -> Sequence[str]:
        return self.addresses.get(name, [])


ZONE = Zone(
    naptrs={
        "carrier.example": [
            Naptr(50, 50, "SIP+D2U"),
            Naptr(10, 60, "SIP+D2T"),
            Naptr(10, 50, "E2U+sip"),
            Naptr(60, 50, "SIPS+D2T"),
        ]
    },
    srvs={
        "_sip._udp.carrier.example": [
            Srv(20, 0, 5080, "backup.carrier.example."),
            Srv(10, 0, 5070, "one.carrier.example."),
        ],
        "_sips._tcp.carrier.example": [Srv(10, 0, 5071, "one.carrier.example.")],
        "_sip._tcp.closed.example": [Srv(0, 0, 0, ".")],
    },
    addresses={
        "one.carrier.example": ["192.0.2.1", "2001:db8::1"],
        "backup.carrier.example": ["192.0.2.2"],
        "plain.example": ["192.0.2.9"],
        "many.example": [f"192.0.2.{n}" for n in range(100, 150)],
    },
)


def located(uri: str, transport: SipTransport = SipTransport.UDP) -> list[tuple[str, int]]:
    return asyncio.run(locate(NextHop(URI.parse(uri), transport), ZONE, Random(1).random))


def chosen(uri: str) -> SipTransport:
    return asyncio.run(chosen_hop(URI.parse(uri), ZONE)).transport


@pytest.mark.parametrize(
    ("uri", "transport", "addresses"),
    [
        ("sip:192.0.2.7", SipTransport.UDP, [("192.0.2.7", 5060)]),
        ("sip:192.0.2.7", SipTransport.TLS, [("192.0.2.7", 5061)]),
        ("sip:a@[2001:db8::7]:5999", SipTransport.TCP, [("2001:db8::7", 5999)]),
        ("sip:plain.example", SipTransport.TCP, [("192.0.2.9", 5060)]),
        ("sip:plain.example:5090", SipTransport.UDP, [("192.0.2.9", 5090)]),
        ("sip:other.example;maddr=192.0.2.8", SipTransport.UDP, [("192.0.2.8", 5060)]),
        (
            "sip:carrier.example",
            SipTransport.UDP,
            [("192.0.2.1", 5070), ("2001:db8::1", 5070), ("192.0.2.2", 5080)],
        ),
        (
            "sips:CARRIER.example.",
            SipTransport.TLS,
            [("192.0.2.1", 5071), ("2001:db8::1", 5071)],
        ),
        # With a port no SRV records are asked for.
        ("sip:carrier.example:5060", SipTransport.UDP, []),
        ("sip:closed.example", SipTransport.TCP, []),
        ("sip:nowhere.example", SipTransport.UDP, []),
        ("sip:192.0.2.7:0", SipTransport.UDP, []),
        ("sip:192.0.2.7:99999", SipTransport.UDP, []),
        ("sip:192.0.2.7", SipTransport.WSS, []),
    ],
)
def test_where_a_hop_is(
    uri: str, transport: SipTransport, addresses: list[tuple[str, int]]
) -> None:
    assert located(uri, transport) == addresses


def test_not_more_addresses_than_can_be_tried() -> None:
    assert len(located("sip:many.example")) == MAX_ADDRESSES


@pytest.mark.parametrize(
    ("uri", "transport"),
    [
        ("sip:carrier.example", SipTransport.TCP),
        ("sips:carrier.example", SipTransport.TLS),
        ("sip:carrier.example;transport=udp", SipTransport.UDP),
        ("sip:carrier.example:5060", SipTransport.UDP),
        ("sip:192.0.2.7", SipTransport.UDP),
        ("sip:plain.example", SipTransport.UDP),
    ],
)
def test_the_transport_is_the_uris_else_what_the_host_prefers(
    uri: str, transport: SipTransport
) -> None:
    assert chosen(uri) is transport


def test_weights_part_the_load_and_one_draw_stays_the_same() -> None:
    records = [Srv(1, 30, 1, "heavy"), Srv(1, 10, 1, "light"), Srv(2, 99, 1, "backup")]
    firsts = Counter(in_turn(records, Random(seed).random)[0].target for seed in range(2000))
    assert 1350 < firsts["heavy"] < 1650
    assert firsts["backup"] == 0
    # Name servers give records in changing order.
    for seed in range(20):
        assert in_turn(records, Random(seed).random) == in_turn(records[::-1], Random(seed).random)
