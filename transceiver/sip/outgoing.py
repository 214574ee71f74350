"""Requests for peers that no flow leads to: they are located, and connected to.

https://www.rfc-editor.org/rfc/rfc3261#section-18.1.1
"""

import asyncio
import logging
import random
from collections.abc import Callable

from antiphon_proto.address import Address, family_of
from transceiver.sip.client_tls import ClientTls, ClientTlsError
from transceiver.sip.exchange import Exchange
from transceiver.sip.flow import Flow, SipTransport
from transceiver.sip.location import DnsRecords, locate, server_name
from transceiver.sip.next_hop import NextHop
from transceiver.sip.routing_fields import RoutingFields
from transceiver.sip.sip_drop import SipDrop
from transceiver.sip.streams import connect

logger = logging.getLogger(__name__)

MAX_ON_THE_WAY = 256
"""Requests that wait for an address or a connection."""

_Peer = tuple[SipTransport, Address, str]


class Outgoing:
    """Of one worker. Connections are used again for whoever is at the same address."""

    def __init__(
        self,
        exchange: Exchange,
        dns: DnsRecords,
        *,
        udp_family: int | None,
        tls: ClientTls,
        undeliverable: Callable[[bytes], None],
    ) -> None:
        """`udp_family` is 4 or 6, None where no UDP is served; `undeliverable` is told of
        requests that could not be sent."""
        self._exchange = exchange
        self._dns = dns
        self._udp_family = udp_family
        self._tls = tls
        self._undeliverable = undeliverable
        self._flows: dict[_Peer, asyncio.Future[Flow | None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def send(self, message: bytes, hop: NextHop) -> None:
        """Returns at once, and tells nothing before."""
        if len(self._tasks) >= MAX_ON_THE_WAY:
            self._exchange.dropped(SipDrop.NOT_LOCATED)
            asyncio.get_running_loop().call_soon(self._undeliverable, message)
            return
        task = asyncio.get_running_loop().create_task(self._send(message, hop))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def lost(self, flow: Flow) -> None:
        """A connection is over: the next request needs another."""
        for peer, found in [*self._flows.items()]:
            if found.done() and found.result() == flow:
                del self._flows[peer]

    async def drained(self, seconds: float) -> None:
        """Return when nothing is on the way, or the time is over."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)

    def close(self) -> None:
        for task in self._tasks:
            task.cancel()

    async def _send(self, message: bytes, hop: NextHop) -> None:
        fields = RoutingFields.of(message)
        draw = random.Random(fields.call_id if fields else "").random  # noqa: S311
        addresses = await locate(hop, self._dns, draw)
        if not addresses:
            self._exchange.dropped(SipDrop.NOT_LOCATED)
        elif hop.transport is SipTransport.UDP:
            if self._send_datagram(message, addresses):
                return
        elif (flow := await self._connected(hop, addresses)) is not None:
            self._exchange.send(message, flow)
            return
        else:
            self._exchange.dropped(SipDrop.CONNECTION_GONE)
        self._undeliverable(message)

    def _send_datagram(self, message: bytes, addresses: list[Address]) -> bool:
        usable = [each for each in addresses if family_of(each[0]) == self._udp_family]
        if not usable:
            self._exchange.dropped(SipDrop.NOT_LOCATED)
        return any(self._exchange.send_datagram(message, each) for each in usable)

    async def _connected(self, hop: NextHop, addresses: list[Address]) -> Flow | None:
        for address in addresses:
            flow = await self._flow(hop.transport, address, server_name(hop))
            if flow is not None:
                return flow
        return None

    async def _flow(self, transport: SipTransport, address: Address, name: str) -> Flow | None:
        """One connection, however many ask for it while it is being made."""
        peer = (transport, address, name if transport.secure else "")
        if (made := self._flows.get(peer)) is not None:
            return await asyncio.shield(made)
        made = self._flows[peer] = asyncio.get_running_loop().create_future()
        flow = None
        try:
            tls = self._tls.context() if transport.secure else None
            flow = await connect(self._exchange, transport, address, tls, name)
        except ClientTlsError as error:
            logger.error("--sip-tls-ca: %s", error)  # noqa: TRY400
        finally:
            if flow is None:
                del self._flows[peer]
            made.set_result(flow)
        return flow
