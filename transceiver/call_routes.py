"""Where the calls' clients are, by what the calls authenticated; and what relays are told of it.

Addresses and RTP sources are names that anyone can write into a packet. A call therefore
holds one by what it proved: its client answered a check there, or authentic media came
with it. Another call's mere claim does not take it over.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from antiphon_proto.address import Address
from antiphon_proto.stun import StunMessage
from antiphon_proto.tunnel_control import UnbindReason
from chassis.host_port import HostPort
from transceiver.announcer import Announcer
from transceiver.claims import Claims
from transceiver.close_reason import CloseReason
from transceiver.relay_paths import RelayPaths
from transceiver.reoffer_limit import ReofferLimit
from transceiver.rtp_call import RtpCall

MAX_COLLISIONS = 4
"""Calls whose keys are tried on a packet from an unknown address."""


@dataclass(eq=False, slots=True)
class RoutedCall:
    """A call, and what of it is on the routes."""

    call: RtpCall
    paths: RelayPaths
    reoffers: ReofferLimit
    creator: bytes | None = None
    """Of the client secret that it was made with: see `CallFactory.create_call`."""
    on_end: Callable[[], None] | None = None
    """To be called when it is over."""
    relay: HostPort | None = None
    """That its client was told to send to, if not the one that all are told of."""
    revision: int = -1
    ufrags: tuple[bytes, ...] = ()
    clients: set[Address] = field(default_factory=set)
    bound: set[Address] = field(default_factory=set)
    sources: set[int] = field(default_factory=set)


class CallRoutes:
    """Finds the call of a packet; keeps the relays' bindings equal to what the calls know.

    Every validated path of a call is bound, and the address that its media came from while
    that is being checked.
    """

    def __init__(self, announcer: Announcer) -> None:
        self._announcer = announcer
        self._by_client: Claims[Address, RoutedCall] = Claims()
        self._by_source: Claims[int, RoutedCall] = Claims()
        self._by_ufrag: dict[bytes, RoutedCall] = {}
        self.with_ufrag = self._by_ufrag.get
        """The call that a check is for, by our ufrag in it, or None."""
        self.at = self._by_client.first
        """The call whose client is at an address, or None."""

    def asking(self, client: Address, response: StunMessage) -> RoutedCall | None:
        """The call that a response from this address answers, or None.

        Not always the one whose client is there: a check proves who is.
        """
        for routed in self._by_client.holders(client):
            if routed.call.transport.path.expects(response, client):
                return routed
        return None

    def with_source(self, source: int) -> Iterable[RoutedCall]:
        """The calls that may have sent a packet of this SSRC."""
        return self._by_source.holders(source)[:MAX_COLLISIONS]

    def update(self, routed: RoutedCall) -> None:
        """Follow what the call's transport has learned since the last time."""
        transport = routed.call.transport
        if transport.revision == routed.revision:
            return
        routed.revision = transport.revision
        self._follow_ufrags(routed, transport.path.ufrags)
        self._follow_sources(routed, transport.sources)
        self._follow_clients(routed, transport.path.known)
        wanted = transport.path.bindings
        for client in routed.bound - wanted.keys():
            self._unbind(routed, client, UnbindReason.MOVED)
        self._bind(routed, wanted)
        self._drop_clients(routed)

    def forget(self, routed: RoutedCall) -> None:
        """The call has ended."""
        lost = routed.call.closed is CloseReason.CONSENT_LOST
        for client in list(routed.bound):
            self._unbind(routed, client, UnbindReason.LOST if lost else UnbindReason.CLOSED)
        for client in routed.clients:
            self._by_client.release(client, routed)
        for source in routed.sources:
            self._by_source.release(source, routed)
        self._follow_ufrags(routed, ())

    def _follow_ufrags(self, routed: RoutedCall, ufrags: tuple[bytes, ...]) -> None:
        """There are two while ICE restarts."""
        for ufrag in routed.ufrags:
            del self._by_ufrag[ufrag]
        self._by_ufrag.update(dict.fromkeys(ufrags, routed))
        routed.ufrags = ufrags

    def _follow_sources(self, routed: RoutedCall, sources: dict[int, bool]) -> None:
        for source in routed.sources - sources.keys():
            self._by_source.release(source, routed)
        for source, heard in sources.items():
            self._by_source.claim(source, routed, proven=heard)
        routed.sources = set(sources)

    def _follow_clients(self, routed: RoutedCall, known: dict[Address, bool]) -> None:
        for client, validated in known.items():
            self._by_client.claim(client, routed, proven=validated)
        routed.clients |= known.keys()

    def _drop_clients(self, routed: RoutedCall) -> None:
        """After the relays were told: who holds an address decides whether they are."""
        knows = routed.call.transport.path.knows
        for client in [client for client in routed.clients if not knows(client)]:
            self._by_client.release(client, routed)
            routed.clients.discard(client)
        routed.paths.forget_unless(knows)

    def _bind(self, routed: RoutedCall, wanted: dict[Address, bool]) -> None:
        transport = routed.call.transport
        sources, signalled = tuple(transport.sources), transport.path.signalled
        for client, confirmed in wanted.items():
            if self._by_client.first(client) is routed:
                self._announcer.bind(
                    client,
                    ssrcs=sources,
                    confirmed=confirmed,
                    signalled=signalled,
                )
                routed.bound.add(client)

    def _unbind(self, routed: RoutedCall, client: Address, reason: UnbindReason) -> None:
        """Unless another call has taken the address over, and with it the binding."""
        if self._by_client.first(client) is routed:
            self._announcer.unbind(client, reason)
        routed.bound.discard(client)
