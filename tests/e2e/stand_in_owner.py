"""A transceiver worker with everything real between its socket and its calls' ICE agents.

The calls themselves are stand-ins: they take a packet's number for its content, speak
without a pause, and believe any media. It runs in a process of its own, so that neither
its work nor its pauses are the clients'.
"""

import asyncio
import multiprocessing
import secrets
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any

import uvloop

from antiphon_proto import stun
from antiphon_proto.address import Address
from antiphon_proto.cluster_keys import ClusterKeys
from antiphon_proto.demux import PacketKind, packet_kind
from antiphon_proto.stun import StunClass, StunError
from antiphon_proto.tunnel_control import UnbindReason
from antiphon_proto.ufrag import RANDOM_BYTES, Owner, UfragMinter, UfragReader
from chassis.bound_socket import bind_udp
from chassis.host_port import HostPort
from tests.e2e.packet_log import PacketLog, read_voice, voice
from tests.e2e.voice_pace import VoicePace
from transceiver.announcer import Announcer
from transceiver.counters import TunnelCounters
from transceiver.ice import IceAgent, IceCredentials
from transceiver.relay_directory import RelayDirectory
from transceiver.relay_paths import RelayPaths
from transceiver.tunnel_endpoint import TunnelEndpoint

TICK_S = 0.001
UFRAG_LIFE_S = 3600
INCARNATION = 5
PATIENCE_S = 30.0
CLOSE = ("close",)


@dataclass(frozen=True, slots=True)
class CallTerms:
    """What signaling exchanges for one call."""

    owner: IceCredentials
    client: IceCredentials
    ssrc: int
    """Of the client's voice."""


@dataclass(slots=True)
class _Call:
    number: int
    ssrc: int
    ice: IceAgent
    paths: RelayPaths
    bound: set[Address] = field(default_factory=set)
    relay: Address | None = None
    """The relay worker that its client was last heard through."""


class _Worker:
    """What runs in the process."""

    def __init__(self, key_text: str, link: Connection) -> None:
        self._link = link
        self._keys = ClusterKeys.parse(key_text)
        self._loop = asyncio.get_running_loop()
        self._passwords = UfragReader(self._keys)
        self._minter = UfragMinter(self._keys)
        self._announcer = Announcer(INCARNATION, time.monotonic())
        bound = bind_udp("--tunnel", HostPort("127.0.0.1", 0))
        self._endpoint = TunnelEndpoint(
            bound,
            self._keys,
            secrets.randbits(64),
            TunnelCounters(),
            directory=RelayDirectory(
                bound.getsockname(), lambda: secrets.randbits(64), lambda _round_trip: None
            ),
            announcer=self._announcer,
        )
        self._endpoint.start(self._receive, lambda _arrived_at: None, lambda: None)
        self._calls: list[_Call] = []
        self._by_ufrag: dict[bytes, _Call] = {}
        self._by_client: dict[Address, _Call] = {}
        self._by_ssrc: dict[int, _Call] = {}
        self._heard, self._said = PacketLog(), PacketLog()
        self._pace: VoicePace | None = None
        self._speaking = False
        self._closing = asyncio.Event()
        threading.Thread(target=self._take_orders, daemon=True).start()

    async def serve(self) -> None:
        while not self._closing.is_set():
            self._endpoint.gather()
            self._speak()
            self._endpoint.flush()
            self._endpoint.tick()
            await asyncio.sleep(TICK_S)
        self._endpoint.close()

    # The test's orders.

    def _take_orders(self) -> None:
        """In a thread of its own: an answer may be more than the link holds."""
        while True:
            try:
                order = self._link.recv()
            except EOFError:
                order = CLOSE
            if order == CLOSE:
                self._loop.call_soon_threadsafe(self._closing.set)
                return
            answer = asyncio.run_coroutine_threadsafe(self._carry_out(*order), self._loop)
            self._link.send(answer.result())

    async def _carry_out(self, name: str, *arguments: Any) -> object:
        order: Callable[..., object] = getattr(self, f"order_{name}")
        return order(*arguments)

    def order_open(self, calls: int) -> list[CallTerms]:
        return [self._open() for _ in range(calls)]

    def order_validated(self) -> int:
        return sum(bool(call.bound) for call in self._calls)

    def order_selected(self) -> list[Address | None]:
        return [call.ice.selected for call in self._calls]

    def order_bindings(self, call: int) -> dict[Address, bool]:
        return self._calls[call].ice.bindings

    def order_relays(self) -> list[Address | None]:
        return [call.relay for call in self._calls]

    def order_speak(self, speaking: bool) -> None:
        if self._pace is None:
            self._pace = VoicePace(len(self._calls))
        self._pace.resume(time.monotonic_ns())
        self._speaking = speaking

    def order_logs(self) -> tuple[bytes, bytes]:
        return self._heard.encode(), self._said.encode()

    def order_say_to(self, client: Address, relay: Address, payloads: list[bytes]) -> None:
        """As an owner would that knows no limit."""
        for payload in payloads:
            self._endpoint.send(payload, client, relay)

    def _open(self) -> CallTerms:
        host, port = self._endpoint.address
        owner = Owner(host, port, 0, INCARNATION, int(time.time()) + UFRAG_LIFE_S)
        ufrag = self._minter.mint(owner, secrets.token_bytes(RANDOM_BYTES))
        terms = CallTerms(
            IceCredentials(ufrag, self._passwords.password(ufrag.encode()).decode()),
            IceCredentials(secrets.token_hex(4), secrets.token_hex(12)),
            secrets.randbits(32),
        )
        agent = IceAgent(terms.owner, terms.client, random_bytes=secrets.token_bytes)
        call = _Call(len(self._calls), terms.ssrc, agent, RelayPaths(self._endpoint))
        self._calls.append(call)
        self._by_ufrag[ufrag.encode()] = self._by_ssrc[terms.ssrc] = call
        return terms

    # Clients' packets.

    def _receive(self, datagram: bytes, client: Address, relay: Address, now: float) -> None:
        at_ns = time.monotonic_ns()
        kind = packet_kind(datagram)
        if kind is PacketKind.STUN:
            self._receive_stun(datagram, client, relay, now)
        elif kind is PacketKind.RTP:
            self._receive_voice(datagram, client, relay, now, at_ns)

    def _receive_stun(self, datagram: bytes, client: Address, relay: Address, now: float) -> None:
        try:
            message = stun.parse(datagram)
        except StunError:
            return
        request = message.message_class is StunClass.REQUEST
        call = (
            self._by_ufrag.get(message.local_ufrag or b"")
            if request
            else self._by_client.get(client)
        )
        if call is not None:
            call.paths.note(client, relay)
            self._by_client.setdefault(client, call)
            call.ice.receive(message, len(datagram), client, now)
            self._follow(call)

    def _receive_voice(
        self, datagram: bytes, client: Address, relay: Address, now: float, at_ns: int
    ) -> None:
        try:
            number_of_call, number = read_voice(datagram)
        except struct.error:
            return
        if number_of_call >= len(self._calls):
            return
        self._heard.note(number_of_call, number, at_ns)
        call = self._calls[number_of_call]
        call.relay = relay
        call.paths.note(client, relay)
        if client != call.ice.selected:
            self._by_client[client] = call
            call.ice.media_received(len(datagram), client, now)
            self._follow(call)

    def _follow(self, call: _Call) -> None:
        """Send what the agent wants sent, and bind what it wants bound."""
        for datagram, client in call.ice.take_datagrams():
            call.paths.send(datagram, client)
        wanted = call.ice.bindings
        for client, confirmed in wanted.items():
            self._announcer.bind(client, ssrcs=(call.ssrc,), confirmed=confirmed)
        for client in call.bound - wanted.keys():
            self._announcer.unbind(client, UnbindReason.MOVED)
        call.bound = set(wanted)

    def _speak(self) -> None:
        if self._pace is None or not self._speaking:
            return
        while (turn := self._pace.due(time.monotonic_ns())) is not None:
            call, number = turn
            client = self._calls[call].ice.selected
            if client is not None:
                self._said.note(call, number, time.monotonic_ns())
                self._calls[call].paths.send(voice(call, number, 1 + call), client)


def _main(key_text: str, link: Connection) -> None:
    async def serve() -> None:
        await _Worker(key_text, link).serve()

    uvloop.run(serve())


class StandInOwner:
    """The process, as a test sees it."""

    def __init__(self, key_text: str) -> None:
        context = multiprocessing.get_context("spawn")
        self._link, theirs = context.Pipe()
        self._process = context.Process(target=_main, args=(key_text, theirs), daemon=True)
        self._process.start()
        theirs.close()

    def open(self, calls: int) -> list[CallTerms]:
        terms: list[CallTerms] = self._order("open", calls)
        return terms

    def validated(self) -> int:
        """Calls with an address whose check was answered."""
        count: int = self._order("validated")
        return count

    def selected(self) -> list[Address | None]:
        """Where each call's voice goes."""
        addresses: list[Address | None] = self._order("selected")
        return addresses

    def bindings(self, call: int) -> dict[Address, bool]:
        """The addresses that a call claims at the relays, and whether each is confirmed."""
        claimed: dict[Address, bool] = self._order("bindings", call)
        return claimed

    def relays(self) -> list[Address | None]:
        """The relay worker that each call was last heard through."""
        addresses: list[Address | None] = self._order("relays")
        return addresses

    def speak(self, speaking: bool) -> None:
        """Have all calls speak from now on, or fall silent."""
        self._order("speak", speaking)

    def say_to(self, client: Address, relay: Address, payloads: list[bytes]) -> None:
        """Send these through that relay worker, whatever the client's address is owed."""
        self._order("say_to", client, relay, payloads)

    def logs(self) -> tuple[PacketLog, PacketLog]:
        """The voice heard, and the voice said."""
        heard, said = self._order("logs")
        return PacketLog(heard), PacketLog(said)

    def close(self) -> None:
        self._link.send(CLOSE)
        self._process.join(10)
        self._process.kill()

    def _order(self, *order: object) -> Any:
        self._link.send(order)
        assert self._link.poll(PATIENCE_S), f"the owner did not carry out {order[0]}"
        return self._link.recv()
