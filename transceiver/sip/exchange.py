"""Where one worker's messages go: to its own user agent, to another worker, or to a socket.

Sockets, connections and other workers are reached through functions, so that this has none.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from antiphon_proto.address import Address
from transceiver.sip.connection_table import Connection, ConnectionTable, grants
from transceiver.sip.flow import Flow, SipTransport
from transceiver.sip.message_router import MessageRouter
from transceiver.sip.routing_fields import RoutingFields
from transceiver.sip.sip_counters import Direction, SipCounters
from transceiver.sip.sip_drop import SipDrop
from transceiver.sip.source_limits import SourceLimits
from transceiver.sip.stream_framing import MAX_MESSAGE_BYTES
from transceiver.sip.user_agent import Unheard
from transceiver.sip.worker_parcels import Arrived, Leaving, Lost, News, Parcel


class Receiver(Protocol):
    """The user agent of this worker."""

    def receive(self, data: bytes, flow: Flow) -> Unheard | None: ...

    def flow_lost(self, flow: Flow) -> None: ...

    def undeliverable(self, data: bytes) -> None: ...


class Exchange:
    """One for each worker. `receiver` is to be set before anything else happens."""

    receiver: Receiver

    def __init__(
        self,
        router: MessageRouter,
        here: Address,
        siblings: Sequence[Address],
        *,
        send_datagram: Callable[[bytes, Address], bool],
        tell: Callable[[Address, Parcel], bool],
        later: Callable[[Callable[[], None]], None],
        knows: Callable[[Flow], bool],
        heard_news: Callable[[bytes], None],
        clock: Callable[[], float],
        counters: SipCounters,
    ) -> None:
        """`send_datagram` says whether the system took it, `tell` hands a parcel to another
        worker unless too many wait, `later` calls back when this call has returned, `knows` says
        of a flow whether a trunk or a registered phone is there."""
        self._router = router
        self._here = here
        self._siblings = [each for each in siblings if each != here]
        self._udp_edge = siblings[0]
        """One name for the socket: a phone's flow is the same whichever worker reads it."""
        self._host = {here, *siblings}
        self._send_datagram = send_datagram
        self._tell = tell
        self._later = later
        self._knows = knows
        self._heard_news = heard_news
        self._clock = clock
        self._counters = counters
        self._limits = SourceLimits(clock())
        self._connections = ConnectionTable()

    @property
    def open_connections(self) -> int:
        return len(self._connections)

    def datagram(self, data: bytes, remote: Address) -> None:
        """A datagram came to the socket that all workers of the host have."""
        if data.isspace() or is_keep_alive(data):
            return
        flow = Flow(self._udp_edge, SipTransport.UDP, remote)
        # Empty lines are to be ignored: https://www.rfc-editor.org/rfc/rfc3261#section-7.5
        self._arrived(data.lstrip(b"\r\n"), flow)

    def opened(
        self,
        connection: Connection,
        transport: SipTransport,
        remote: Address,
        *,
        ours: bool = False,
    ) -> Flow | None:
        """A connection is there. None, and it is to be closed, if there are too many."""
        # A socket that takes both families says so of those that come by IPv4.
        remote = remote[0].removeprefix("::ffff:"), remote[1]
        number = self._connections.opened(connection, remote[0], self._clock(), ours=ours)
        if number is None:
            self._counters.drops[SipDrop.CONNECTION_LIMIT] += 1
            return None
        self._counters.connections_opened += 1
        return Flow(self._here, transport, remote, number)

    def received(self, message: bytes, flow: Flow) -> None:
        """A whole message came by a connection."""
        self._arrived(message, flow)

    def kept_alive(self, flow: Flow) -> None:
        """A keep-alive came by a connection."""
        self._connections.kept_alive(flow.connection, self._clock())

    def closed(self, flow: Flow) -> None:
        """A connection is over, whoever ended it; may be told again."""
        for user in self._connections.closed(flow.connection):
            if user == self._here:
                self.receiver.flow_lost(flow)
            else:
                self._tell(user, Lost(flow))

    def sweep(self) -> None:
        """End connections that are of no use; to be called about every second."""
        for connection in [*self._connections.overdue(self._clock())]:
            connection.abort()

    def end_connections(self) -> None:
        for connection in [*self._connections.all()]:
            connection.abort()

    def dropped(self, reason: SipDrop) -> None:
        self._counters.drops[reason] += 1

    def send(self, message: bytes, flow: Flow) -> None:
        """Send by a flow of whichever worker. What fails is told to the receiver later."""
        if flow.transport is SipTransport.UDP and flow.edge in self._host:
            if not self.send_datagram(message, flow.remote):
                self._later(lambda: self.receiver.undeliverable(message))
        elif flow.edge != self._here:
            if not self._tell(flow.edge, Leaving(message, flow)):
                self.dropped(SipDrop.WORKER_BACKLOG)
                self._later(lambda: self.receiver.flow_lost(flow))
        elif not self._write(message, flow, self._here):
            self._later(lambda: self.receiver.flow_lost(flow))

    def send_datagram(self, message: bytes, remote: Address) -> bool:
        """False where it cannot be sent."""
        if self._send_datagram(message, remote):
            self._counters.count(Direction.OUT, SipTransport.UDP, message)
            if grants(message):
                self._limits.granted(remote[0], self._clock())
            return True
        self.dropped(SipDrop.SEND_FAILED)
        return False

    def broadcast(self, news: bytes) -> None:
        """Tell the host's other workers."""
        for sibling in self._siblings:
            if not self._tell(sibling, News(news)):
                self.dropped(SipDrop.WORKER_BACKLOG)

    def parcel(self, sender: Address, parcel: Parcel) -> None:
        """Another worker handed this one something."""
        self._router.reachable(sender)
        match parcel:
            case Arrived(message, flow):
                self._deliver(message, flow)
            case Leaving(message, flow):
                self._leave(message, flow, sender)
            case Lost(flow):
                self.receiver.flow_lost(flow)
            case News(content):
                self._heard_news(content)

    def undelivered(self, worker: Address, parcel: Parcel, gone: bool) -> None:
        """Another worker did not take what it was told: it is gone, or silent."""
        self._router.unreachable(worker, self._clock())
        match parcel:
            case Arrived(message, flow):
                self.dropped(SipDrop.WORKER_UNREACHABLE)
                self._hand_on(message, flow, gone)
            case Leaving(_, flow):
                self.dropped(SipDrop.WORKER_UNREACHABLE)
                self.receiver.flow_lost(flow)
            case Lost() | News():
                # A worker that begins anew asks for what it missed.
                pass

    def _arrived(self, message: bytes, flow: Flow) -> None:
        admitted = self._admits(flow)
        if not admitted and not self._limits.may_be_read(self._clock()):
            self.dropped(SipDrop.SOURCE_LIMIT)
            return
        fields = RoutingFields.of(message) if len(message) <= MAX_MESSAGE_BYTES else None
        if fields is None:
            self.dropped(SipDrop.NOT_SIP)
            return
        self._counters.count(Direction.IN, flow.transport, message)
        owner = self._router.owner(fields, self._clock())
        if not owner.named and not admitted:
            self.dropped(SipDrop.SOURCE_LIMIT)
            return
        self._hand(owner.worker, message, flow)

    def _admits(self, flow: Flow) -> bool:
        known = self._connections.is_granted(flow.connection) or self._knows(flow)
        return self._limits.admit(flow.remote[0], self._clock(), known=known)

    def _hand_on(self, message: bytes, flow: Flow, gone: bool) -> None:
        """What its owner did not take. Where that is gone this worker has to say so; for one that
        is silent nobody speaks, as it may be busy, or begin anew: the peer repeats itself."""
        fields = RoutingFields.of(message)
        if fields is None:
            return
        owner = self._router.owner(fields, self._clock())
        if not owner.named:
            self._hand(owner.worker, message, flow)
        elif gone:
            self._hand(self._here, message, flow)

    def _hand(self, owner: Address, message: bytes, flow: Flow) -> None:
        self._connections.heard(flow.connection, owner, self._clock())
        if owner == self._here:
            self._deliver(message, flow)
        elif self._tell(owner, Arrived(message, flow)):
            self._counters.handed_over += 1
        else:
            self.dropped(SipDrop.WORKER_BACKLOG)

    def _deliver(self, message: bytes, flow: Flow) -> None:
        unheard = self.receiver.receive(message, flow)
        if unheard is not None:
            self._counters.unheard[unheard] += 1

    def _leave(self, message: bytes, flow: Flow, sender: Address) -> None:
        if flow.transport is SipTransport.UDP:
            self.send_datagram(message, flow.remote)
        elif not self._write(message, flow, sender):
            self._tell(sender, Lost(flow))

    def _write(self, message: bytes, flow: Flow, user: Address) -> bool:
        written = self._connections.send(flow.connection, message, user, self._clock())
        if written:
            self._counters.count(Direction.OUT, flow.transport, message)
            return True
        self.dropped(SipDrop.CONNECTION_GONE if written is False else SipDrop.SLOW_PEER)
        return False


def is_keep_alive(data: bytes) -> bool:
    """What phones send to keep their NAT's binding, beside empty lines: nothing is answered.

    Zeros, and STUN: https://www.rfc-editor.org/rfc/rfc5626#section-4.4.2
    """
    return data[:1] < b"\x04"
