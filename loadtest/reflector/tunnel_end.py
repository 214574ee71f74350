"""The reflector's tunnel socket: packets go round in compiled code, the rest comes here."""

import asyncio
import secrets
import socket
import time

from antiphon_proto.address import Address
from antiphon_proto.cluster_keys import ClusterKeys
from antiphon_proto.demux import PacketKind, packet_kind
from antiphon_proto.tunnel import (
    CONTROL,
    Frame,
    FrameType,
    TunnelError,
    TunnelReceiver,
    TunnelSender,
)
from antiphon_proto.tunnel_control import Hello, UnbindReason, control_frame, control_message
from loadtest.compiled.message_batch import address_of
from loadtest.reflector.announcements import Announcements, by_size
from loadtest.reflector.counts import ReflectorCount
from loadtest.reflector.owner_checks import CheckOutcome, OwnerChecks
from loadtest.reflector.reflection import Reflection, reflect, reflect_again
from loadtest.reflector.relay_probes import RelayProbes
from loadtest.reflector.session_table import SessionTable
from loadtest.reflector.trusted_relays import TrustedRelays

BATCHES = 16
"""Taken at one go; then it is the others' turn in the event loop."""
TICK_S = 0.01
SWEEP_S = 1.0


class TunnelEnd:
    """Serves the sessions of `sessions` over a bound socket, until it is closed."""

    def __init__(
        self,
        bound: socket.socket,
        keys: ClusterKeys,
        reflection: Reflection,
        sessions: SessionTable,
        *,
        incarnation: int,
        relays: tuple[Address, ...],
    ) -> None:
        self._socket = bound
        self._keys = keys
        self._epoch = secrets.randbits(64)
        self._reflection, self._counts = reflection, reflection.counts
        self._sessions = sessions
        self._receiver = TunnelReceiver(keys, bound.getsockname()[:2])
        self._senders: dict[Address, TunnelSender] = {}
        now = time.monotonic()
        self._announcements = Announcements(incarnation, now)
        self._probes = RelayProbes(relays, lambda: secrets.randbits(64), now)
        self._checks = OwnerChecks(sessions, secrets.token_bytes)
        self._trusted = TrustedRelays(reflection)
        self._came_by: dict[Address, Address] = {}
        self._swept_at = now

    @property
    def bound(self) -> int:
        """The clients that relays are told of."""
        return len(self._announcements)

    async def serve(self) -> None:
        """Until it is cancelled."""
        loop = asyncio.get_running_loop()
        loop.add_reader(self._socket.fileno(), self._take)
        try:
            while True:
                self._tick(time.monotonic())
                await asyncio.sleep(TICK_S)
        finally:
            loop.remove_reader(self._socket.fileno())

    def end(self, number: int, reason: UnbindReason = UnbindReason.CLOSED) -> bool:
        """A session is over; whether there was one of that number."""
        session = self._sessions.end(number, time.monotonic())
        if session is None:
            return False
        self._counts[ReflectorCount.ENDED] += 1
        if session.client is not None:
            self._announcements.unbind(session.client, reason)
            self._came_by.pop(session.client, None)
        return True

    def _take(self) -> None:
        reflect(self._reflection, self._socket.fileno(), BATCHES)
        now = time.monotonic()
        came, punt = int(self._reflection.punted[0]), 0
        # One that is taken once more may leave its own STUN messages behind the others.
        while punt < self._reflection.punted[0]:
            self._receive(punt, now, once_more=punt < came)
            punt += 1
        self._reflection.punted[0] = 0
        if punt:
            self._flush()

    def _receive(self, punt: int, now: float, *, once_more: bool) -> None:
        datagram = self._reflection.punts[punt, : self._reflection.punt_sizes[punt]].tobytes()
        relay = address_of(self._reflection.punt_names[punt].tobytes())
        try:
            epoch, frames = self._receiver.decode(datagram)
        except TunnelError:
            self._counts[ReflectorCount.DROPPED_TUNNEL] += 1
            return
        self._probes.heard(relay, epoch, now)
        if not datagram[0] & CONTROL:
            self._trusted.trust(relay, datagram, self._sender(relay).data_header)
            if once_more and not all(map(_is_stun, frames)):
                reflect_again(self._reflection, self._socket.fileno(), punt)
                return
        for frame in frames:
            self._receive_frame(frame, relay, epoch, now)

    def _receive_frame(self, frame: Frame, relay: Address, epoch: int, now: float) -> None:
        if frame.type is FrameType.DATA:
            self._receive_check(frame, relay, now)
        elif frame.type is FrameType.HELLO:
            self._receive_hello(frame, relay, epoch, now)
        else:
            self._counts[ReflectorCount.DROPPED_TUNNEL] += 1

    def _receive_hello(self, frame: Frame, relay: Address, epoch: int, now: float) -> None:
        try:
            hello = control_message(frame)
        except TunnelError:
            self._counts[ReflectorCount.DROPPED_TUNNEL] += 1
            return
        if isinstance(hello, Hello) and self._probes.hello(relay, epoch, hello, now):
            self._counts[ReflectorCount.RELAY_EPOCHS] += 1
            self._tell(self._announcements.everything(), [relay])

    def _receive_check(self, frame: Frame, relay: Address, now: float) -> None:
        self._came_by[frame.client] = relay
        outcome, session = self._checks.receive(frame.payload, frame.client, now)
        if outcome is CheckOutcome.REFUSED:
            self._counts[ReflectorCount.DROPPED_CHECK] += 1
        elif outcome is CheckOutcome.ANSWERED:
            self._counts[ReflectorCount.CHECKS_ANSWERED] += 1
        elif outcome is CheckOutcome.MOVED:
            self._counts[ReflectorCount.CHECKS_ANSWERED] += 1
            self._leave()
        elif outcome is CheckOutcome.CONFIRMED and session is not None:
            self._counts[ReflectorCount.BOUND] += 1
            self._announcements.bind(frame.client, session.ssrc, now)

    def _leave(self) -> None:
        """The address that a caller has left is nobody's."""
        if self._checks.left is not None:
            _session, former = self._checks.left
            self._counts[ReflectorCount.MOVED] += 1
            self._announcements.unbind(former, UnbindReason.MOVED)
            self._came_by.pop(former, None)

    def _tick(self, now: float) -> None:
        for relay, nonce, unknown in self._probes.due_probes(now):
            hello = control_frame(Hello(nonce, ()))
            self._tell([self._announcements.reset, hello] if unknown else [hello], [relay])
        for relay in self._probes.due_again(now):
            self._tell(self._announcements.everything(), [relay])
        self._tell(self._announcements.due(now), self._probes.answering)
        self._checks.tick(now)
        if now - self._swept_at >= SWEEP_S:
            self._sweep(now)
        self._flush()

    def _sweep(self, now: float) -> None:
        self._swept_at = now
        for number in self._sessions.silent(now):
            self._counts[ReflectorCount.EXPIRED] += self.end(number, UnbindReason.LOST)

    def _flush(self) -> None:
        """Send what waits; what relays must know goes first."""
        self._tell(self._announcements.changes(), self._probes.answering)
        leaving: dict[Address, list[Frame]] = {}
        for datagram, client in self._checks.take():
            relay = self._came_by.get(client)
            if relay is not None:
                leaving.setdefault(relay, []).append(Frame(FrameType.DATA, client, datagram))
        for relay, frames in leaving.items():
            self._tell(frames, [relay])

    def _tell(self, frames: list[Frame], relays: list[Address]) -> None:
        if not frames:
            return
        for relay in relays:
            for datagram in by_size(frames):
                self._transmit(self._sender(relay).encode(datagram), relay)

    def _transmit(self, datagram: bytes, relay: Address) -> None:
        try:
            self._socket.sendto(datagram, relay)
        except OSError:
            # What is lost here is repeated, as if it were lost on the way.
            self._counts[ReflectorCount.SEND_FAILED] += 1

    def _sender(self, relay: Address) -> TunnelSender:
        sender = self._senders.get(relay)
        if sender is None:
            sender = self._senders[relay] = TunnelSender(self._keys, self._epoch, relay)
        return sender


def _is_stun(frame: Frame) -> bool:
    return packet_kind(frame.payload) is PacketKind.STUN
