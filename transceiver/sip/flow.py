"""The way that SIP messages take to a peer and come back by."""

from dataclasses import dataclass
from enum import Enum

from antiphon_proto.address import Address


class SipTransport(Enum):
    """The value is the name in Via: https://www.rfc-editor.org/rfc/rfc3261#section-20.42"""

    UDP = "UDP"
    TCP = "TCP"
    TLS = "TLS"
    WS = "WS"
    """https://www.rfc-editor.org/rfc/rfc7118"""
    WSS = "WSS"

    @property
    def reliable(self) -> bool:
        """Whether nothing is sent twice: most timers of transactions are then zero."""
        return self is not SipTransport.UDP

    @property
    def secure(self) -> bool:
        return self in (SipTransport.TLS, SipTransport.WSS)


@dataclass(frozen=True, slots=True)
class Flow:
    """Where a message came from, as seen by the worker that has the socket: answers go back by it.

    https://www.rfc-editor.org/rfc/rfc5626#section-2
    """

    edge: Address
    """The tunnel address of the worker that has the socket or the connection."""
    transport: SipTransport
    remote: Address
    connection: int = 0
    """The edge's number of the connection; 0 for UDP, and for no connection yet."""
