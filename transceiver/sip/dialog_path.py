"""By which way a dialog's requests reach the peer.

https://www.rfc-editor.org/rfc/rfc3261#section-12.2.1.1
"""

import ipaddress
from dataclasses import dataclass

from sipmessage import URI

from transceiver.sip.flow import Flow
from transceiver.sip.header_list import parse_address, parse_uri, uri_text
from transceiver.sip.next_hop import NextHop

_DEFAULT_PORTS = {False: 5060, True: 5061}


@dataclass(frozen=True, slots=True)
class DialogPath:
    """The route set and the peer's target, and the flow that the dialog came by."""

    target: str
    """A SIP URI."""
    routes: tuple[str, ...]
    """name-addrs, the nearest first."""
    hop: Flow | NextHop
    """Where the message that made the dialog came from, or its request went to."""
    keeps_hop: bool
    """The peer is a phone, which nobody reaches otherwise; or there is no answer yet, and the
    hop is what was asked for."""

    def request_uri(self) -> tuple[str, tuple[str, ...]]:
        """Request-URI and Route; for a strict router what it expects of old."""
        if not self.routes or _is_loose(self.routes[0]):
            return self.target, self.routes
        return uri_text(self.routes[0]), (*self.routes[1:], f"<{self.target}>")

    def next_hop(self) -> Flow | NextHop:
        """Where requests go: by the flow if the next URI is where it leads to, or names nobody
        that could be found."""
        uri = parse_uri(uri_text(self.routes[0]) if self.routes else self.target)
        if self.keeps_hop or _leads_to(self.hop, uri):
            return self.hop
        try:
            return NextHop.of(uri)
        except ValueError:
            return self.hop


def _is_loose(route: str) -> bool:
    return "lr" in parse_address(route).uri.parameters


def _same_place(ours: URI, theirs: URI) -> bool:
    return (ours.host.lower(), ours.port) == (theirs.host.lower(), theirs.port)


def _leads_to(hop: Flow | NextHop, uri: URI) -> bool:
    return _flow_leads_to(hop, uri) if isinstance(hop, Flow) else _same_place(hop.uri, uri)


def _flow_leads_to(flow: Flow, uri: URI) -> bool:
    try:
        named = ipaddress.ip_address(uri.host.strip("[]"))
    except ValueError:
        # A name may be anything's; a connection that stands is at least the peer's.
        return flow.transport.reliable or uri.host.lower().endswith(".invalid")
    remote = ipaddress.ip_address(flow.remote[0])
    if named != remote:
        # An address that only the peer's own network knows.
        return remote.is_global and not named.is_global
    port = uri.port or _DEFAULT_PORTS[flow.transport.secure]
    return flow.transport.reliable or port == flow.remote[1]
