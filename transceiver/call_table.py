"""The calls of one worker that have an RTP track: handed their clients' datagrams and the time."""

import logging
import math
from collections.abc import Callable

from antiphon_proto import stun
from antiphon_proto.address import Address
from antiphon_proto.demux import PacketKind, packet_kind
from antiphon_proto.stun import StunClass, StunError
from transceiver.announcer import Announcer
from transceiver.call_environment import CallEnvironment
from transceiver.call_routes import CallRoutes, RoutedCall
from transceiver.close_reason import CloseReason
from transceiver.drop_reason import DropReason
from transceiver.media_clock import MediaClock
from transceiver.resumption.live_sessions import LiveSessions
from transceiver.sideband import Sideband
from transceiver.signaling.calls import CallNotFoundError
from transceiver.transport import Transport

logger = logging.getLogger(__name__)


class CallTable:
    """Holds each call from `open` to its end, whoever made it."""

    def __init__(
        self, announcer: Announcer, environment: CallEnvironment, live: LiveSessions | None = None
    ) -> None:
        """Calls whose clients may come again are among the `live` ones."""
        self._environment = environment
        self._counters = environment.counters
        self._clock = environment.clock
        self._live = LiveSessions() if live is None else live
        self._routes = CallRoutes(announcer)
        self._media_clock: MediaClock[RoutedCall] = MediaClock(self._clock())
        self._by_id: dict[str, RoutedCall] = {}
        self._wake: Callable[[], None] | None = None

    def __len__(self) -> int:
        return len(self._by_id)

    def __contains__(self, call_id: str) -> bool:
        return call_id in self._by_id

    def open(self, routed: RoutedCall, *, frame_ms: int = 20) -> None:
        """Serve a call from here on; `frame_ms` is what each packet to its client lasts."""
        call = routed.call
        self._by_id[call.call_id] = routed
        self._counters.open[call.TRANSPORT] += 1
        self._serve_from_here(routed, frame_ms)
        self._routes.update(routed)

    def answered(self, routed: RoutedCall) -> None:
        """The call is no attempt any more: an engine has it, and its client was told so."""
        self._counters.opened += 1
        if routed.call.resumable:
            self._live.add(routed.call)
        call = routed.call
        logger.info("call %s opened", call.call_id, extra=call.logged.extra)

    def update(self, routed: RoutedCall, *, frame_ms: int | None = None) -> None:
        """Follow what signaling told the call of its client, and how long packets last now."""
        if frame_ms is not None and routed.call.call_id in self._by_id:
            self._media_clock.remove(routed)
            self._serve_from_here(routed, frame_ms)
        self._routes.update(routed)

    def has_ufrag(self, ufrag: bytes) -> bool:
        """Whether it is one of ours, in a call that is open."""
        return self._routes.with_ufrag(ufrag) is not None

    def find(self, call_id: str) -> RoutedCall:
        """Raises CallNotFoundError; a call that is over is none."""
        routed = self._by_id.get(call_id)
        if routed is None or routed.call.closed is not None:
            raise CallNotFoundError
        return routed

    def end(self, routed: RoutedCall, reason: CloseReason) -> None:
        """Close a call, if it is not closed, and let go of it."""
        routed.call.close(reason)
        self._forget(routed)

    def creator(self, call_id: str) -> bytes | None:
        """The `creator` that it was made with. Raises CallNotFoundError."""
        return self.find(call_id).creator

    def sideband(self, call_id: str) -> Sideband:
        """One more connection to a call. Raises CallNotFoundError, AudienceFullError."""
        return self.find(call_id).call.sideband()

    def hang_up(self, call_id: str) -> None:
        """End a call of this worker. Raises CallNotFoundError."""
        self.end(self.find(call_id), CloseReason.CLIENT_HANGUP)

    def receive(self, datagram: bytes, client: Address, relay: Address, now: float) -> None:
        """Hand a client's datagram to its call; one without a call is counted."""
        kind = packet_kind(datagram)
        if kind is PacketKind.STUN:
            self._receive_stun(datagram, client, relay, now)
            return
        routed = self._routes.at(client)
        if routed is not None:
            routed.paths.note(client, relay)
            routed.call.receive(kind, datagram, client, now)
            self._routes.update(routed)
        elif kind is PacketKind.RTP or kind is PacketKind.RTCP:
            self._receive_roaming(datagram, kind, client, relay, now)
        else:
            self._counters.drops[DropReason.NO_CALL] += 1

    @property
    def due_at(self) -> float:
        """When `serve` is to be called next, by the clock; infinity while there are no calls."""
        return self._media_clock.due_at

    def when_resumed(self, wake: Callable[[], None] | None) -> None:
        """Have `wake` called, if any, when there is a call to serve and was none."""
        self._wake = wake

    @property
    def dense(self) -> bool:
        """Whether there is always something to serve within a slot's time."""
        return self._media_clock.dense

    def serve(self, now: float) -> tuple[float, int]:
        """Serve the calls that are next, and forget those that ended.

        Returns when they were due, and how many frames they sent.
        """
        due, served = self._media_clock.take(now)
        self._counters.skipped_frames = self._media_clock.skipped
        sent = self._counters.frames_out
        for routed in served:
            routed.call.serve(due, now)
            self._routes.update(routed)
            if routed.call.closed is not None:
                self._forget(routed)
        return due, self._counters.frames_out - sent

    def close_all(self, transport: Transport | None = None) -> None:
        """End them all, or those by one transport."""
        for routed in list(self._by_id.values()):
            if transport in (None, routed.call.TRANSPORT):
                self.end(routed, CloseReason.SHUTDOWN)

    def _serve_from_here(self, routed: RoutedCall, frame_ms: int) -> None:
        rested = self.due_at == math.inf
        self._media_clock.add(routed, self._clock(), times=2 if frame_ms == 10 else 1)
        if rested and self._wake is not None:
            self._wake()

    def _receive_stun(self, datagram: bytes, client: Address, relay: Address, now: float) -> None:
        """Requests go by their ufrag, as at the relay; responses to the call that asked."""
        try:
            message = stun.parse(datagram)
        except StunError:
            self._counters.drops[DropReason.STUN_MALFORMED] += 1
            return
        if message.message_class is StunClass.REQUEST:
            routed = self._routes.with_ufrag(message.local_ufrag or b"")
        else:
            routed = self._routes.asking(client, message) or self._routes.at(client)
        if routed is None:
            self._counters.drops[DropReason.NO_CALL] += 1
            return
        routed.paths.note(client, relay)
        routed.call.receive_stun(message, len(datagram), client, now)
        self._settle(routed, client)

    def _receive_roaming(
        self, datagram: bytes, kind: PacketKind, client: Address, relay: Address, now: float
    ) -> None:
        """Media from an unknown address, as after a NAT rebinding: SRTP says whose it is."""
        at = 8 if kind is PacketKind.RTP else 4
        source = int.from_bytes(datagram[at : at + 4], "big")
        reason = DropReason.NO_CALL
        for routed in self._routes.with_source(source):
            routed.paths.note(client, relay)
            accepted = routed.call.receive_roaming(kind, datagram, client, now)
            self._settle(routed, client)
            if accepted:
                return
            reason = DropReason.REBINDING_REFUSED
        self._counters.drops[reason] += 1

    def _settle(self, routed: RoutedCall, client: Address) -> None:
        """Keep of an address that was unknown only what the call has authenticated."""
        knows = routed.call.transport.path.knows
        if not knows(client):
            routed.paths.forget_unless(knows)
        self._routes.update(routed)

    def _forget(self, routed: RoutedCall) -> None:
        if self._by_id.pop(routed.call.call_id, None) is None:
            return
        self._counters.open[routed.call.TRANSPORT] -= 1
        self._media_clock.remove(routed)
        self._routes.forget(routed)
        self._live.leave(routed.call, self._clock())
        routed.call.release()
        if routed.on_end:
            routed.on_end()
