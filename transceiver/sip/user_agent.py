"""A SIP user agent without sockets: transactions, dialogs and sessions of one worker.

Bytes come in by `receive`, and go out by the function given; nothing else happens but
what `tick` brings when `due_at` has come.

https://www.rfc-editor.org/rfc/rfc3261#section-8
"""

from collections.abc import Callable
from enum import Enum

from transceiver.sip.application import Application, Invitation, Names, SentBy
from transceiver.sip.flow import Flow, SipTransport
from transceiver.sip.gatekeeper import Gatekeeper
from transceiver.sip.invite_session import InviteHandler, InviteSession
from transceiver.sip.next_hop import NextHop

Send = Callable[[bytes, Flow | NextHop], None]
"""Must not raise, nor call back before it returns; what could not be sent is told by
`UserAgent.undeliverable`."""


class Unheard(Enum):
    """Why a message had no effect and no answer."""

    MALFORMED = "malformed"
    """No SIP, or a request of somebody unknown that breaks its rules."""
    UNKNOWN_CALLER = "unknown_caller"
    STRAY_RESPONSE = "stray_response"
    """Of a transaction that there is not, or is over."""
    STRAY_ACK = "stray_ack"
    OVERLOADED = "overloaded"
    """There are too many transactions already."""


class UserAgent:
    """One for each worker; times are by `clock`, in seconds."""

    def __init__(
        self,
        application: Application,
        gatekeeper: Gatekeeper,
        names: Names,
        sent_by: Callable[[SipTransport], SentBy],
        send: Send,
        *,
        clock: Callable[[], float],
        random: Callable[[], float],
    ) -> None:
        """`random` gives numbers from 0 up to 1."""
        raise NotImplementedError

    @property
    def due_at(self) -> float:
        """When `tick` has something to do; infinity if never."""
        raise NotImplementedError

    def tick(self) -> None:
        """Do what is due."""
        raise NotImplementedError

    def receive(self, data: bytes, flow: Flow) -> Unheard | None:
        """Take one whole message; None when it was understood."""
        raise NotImplementedError

    def flow_lost(self, flow: Flow) -> None:
        """A connection is gone: what waits for answers by it need not wait longer."""
        raise NotImplementedError

    def undeliverable(self, data: bytes) -> None:
        """A request that `send` was given cannot be sent: nobody is there, or by that name."""
        raise NotImplementedError

    def invite(self, invitation: Invitation, handler: InviteHandler) -> InviteSession:
        """Call somebody, with `handler.make_offer`. Raises OfferError if that does."""
        raise NotImplementedError

    def hang_up_all(self) -> None:
        """End every session, as before the worker ends."""
        raise NotImplementedError
