"""Against a name server on loopback, and this system's resolver."""

import asyncio
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import cast

import dns.asyncresolver
import dns.message
import dns.rrset
import pytest

from transceiver.sip.dns_records import Resolver
from transceiver.sip.location import Naptr, Srv

PATIENCE_S = 30.0
RECORDS = {
    ("_sip._udp.carrier.test.", "SRV"): [
        "10 60 5070 one.carrier.test.",
        "20 0 5080 two.carrier.test.",
    ],
    ("carrier.test.", "NAPTR"): ['10 20 "s" "SIP+D2T" "" _sip._tcp.carrier.test.'],
}


@dataclass
class NameServer(asyncio.DatagramProtocol):
    asked: list[tuple[str, str]] = field(default_factory=list)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        query = dns.message.from_wire(data)
        [question] = query.question
        key = (str(question.name), question.rdtype.name)
        self.asked.append(key)
        answer = dns.message.make_response(query)
        if records := RECORDS.get(key):
            answer.answer.append(dns.rrset.from_text(question.name, 60, "IN", key[1], *records))
        else:
            answer.set_rcode(3)
        self.transport.sendto(answer.to_wire(), addr)

    def resolver(self) -> Resolver:
        asking = dns.asyncresolver.Resolver(configure=False)
        host, port = self.transport.get_extra_info("sockname")
        asking.nameservers, asking.port = [host], port
        return Resolver(asking, look_up_s=PATIENCE_S)


@pytest.fixture
async def server() -> AsyncIterator[NameServer]:
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(
        NameServer, local_addr=("127.0.0.1", 0), family=socket.AF_INET
    )
    yield server
    transport.close()


async def test_records_are_read_and_kept(server: NameServer) -> None:
    resolver = server.resolver()
    for _ in range(3):
        found = await resolver.srv("_sip._udp.carrier.test")
        assert sorted(found, key=lambda each: each.priority) == [
            Srv(10, 60, 5070, "one.carrier.test."),
            Srv(20, 0, 5080, "two.carrier.test."),
        ]
    assert await resolver.naptr("carrier.test") == [Naptr(10, 20, "SIP+D2T")]
    assert len(server.asked) == 2


async def test_who_asks_at_once_asks_once(server: NameServer) -> None:
    resolver = server.resolver()
    answers = await asyncio.gather(*(resolver.srv("_sip._udp.carrier.test") for _ in range(10)))
    assert [len(answer) for answer in answers] == [2] * 10
    assert len(server.asked) == 1


async def test_what_is_not_there_is_empty_and_remembered(server: NameServer) -> None:
    resolver = server.resolver()
    for name in ("_sip._udp.nowhere.test", "_sip._udp.nowhere.test", "not..a.name"):
        assert not await resolver.srv(name)
    assert len(server.asked) == 1


async def test_addresses_are_those_that_the_system_knows(server: NameServer) -> None:
    assert "127.0.0.1" in await server.resolver().hosts("localhost")
    assert await server.resolver().hosts("no such host") == ()
    assert server.asked == []
