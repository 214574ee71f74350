"""By which way a dialog's requests reach the peer.

https://www.rfc-editor.org/rfc/rfc3261#section-12.2.1.1
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from sipmessage import URI

from transceiver.sip.flow import Flow
from transceiver.sip.header_list import parse_address, parse_uri, uri_text
from transceiver.sip.ip_host import ip_host
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
    may_reach: Callable[[URI], bool]
    """Whether the operator has us send to a URI's host. Peers write what they like into Contact
    and Record-Route, and a trunk's peers may do so behind its back."""

    def request_uri(self) -> tuple[str, tuple[str, ...]]:
        """Request-URI and Route; for a strict router what it expects of old."""
        if not self.routes or _is_loose(self.routes[0]):
            return self.target, self.routes
        return uri_text(self.routes[0]), (*self.routes[1:], f"<{self.target}>")

    def next_hop(self) -> Flow | NextHop:
        """Where requests go: by the flow if the next URI is where it leads to, or names nobody
        that could be found, or that we may send to."""
        uri = self._next_uri()
        return self.hop if self.keeps_hop or _leads_to(self.hop, uri) else self._located(uri)

    def without(self, flow: Flow) -> "DialogPath":
        """Where the connection is gone: the next request takes another, if there can be one."""
        if self.keeps_hop or self.hop != flow:
            return self
        return replace(self, hop=self._located(self._next_uri()))

    def _next_uri(self) -> URI:
        return parse_uri(uri_text(self.routes[0]) if self.routes else self.target)

    def _located(self, uri: URI) -> Flow | NextHop:
        try:
            located = NextHop.of(uri)
        except ValueError:
            return self.hop
        # A proxy that is not passed by hands on what names another host.
        is_fit = "maddr" not in uri.parameters and (
            _is_same_host(self.hop, uri) or self.may_reach(uri)
        )
        return located if is_fit else self.hop


def _is_loose(route: str) -> bool:
    return "lr" in parse_address(route).uri.parameters


def _leads_to(hop: Flow | NextHop, uri: URI) -> bool:
    named, reached = ip_host(uri.host), ip_host(_host_of(hop))
    if named is None or reached is None:
        # A name may be anything's; a connection that stands is at least the peer's.
        is_connection = isinstance(hop, Flow) and hop.transport.reliable
        return is_connection or uri.host.lower().endswith(".invalid")
    if named != reached:
        # An address that only the peer's own network knows.
        return reached.is_global and not named.is_global
    if isinstance(hop, NextHop):
        return hop.uri.port == uri.port
    port = uri.port or _DEFAULT_PORTS[hop.transport.secure]
    return hop.transport.reliable or port == hop.remote[1]


def _is_same_host(hop: Flow | NextHop, uri: URI) -> bool:
    known, named = _host_of(hop), ip_host(uri.host)
    return uri.host.lower() == known.lower() or (named is not None and named == ip_host(known))


def _host_of(hop: Flow | NextHop) -> str:
    return hop.remote[0] if isinstance(hop, Flow) else hop.uri.host
