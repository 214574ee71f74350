"""What the user agent asks of the server behind it, and what it is given for its requests."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from sipmessage import URI, Address, Request

from transceiver.sip.flow import Flow
from transceiver.sip.gatekeeper import Caller
from transceiver.sip.invite_session import InviteHandler, InviteSession
from transceiver.sip.next_hop import NextHop


@dataclass(frozen=True, slots=True)
class Reply:
    """A final response; what every response has (Via, To, ...) is added to the headers."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()


class Application(Protocol):
    """Told on the worker's event loop; must not raise."""

    def invited(
        self, request: Request, caller: Caller, flow: Flow, session: InviteSession
    ) -> InviteHandler | Reply:
        """Somebody begins a session: 100 was sent, nothing else. Ring, accept or reject by
        `session` after this has returned; or return a refusal, and the session never was."""
        ...

    def registered(self, request: Request, caller: Caller, flow: Flow) -> Reply:
        """A REGISTER of a caller that was let in."""
        ...


class Authenticator(Protocol):
    """Answers challenges to our own requests, with somebody's credentials."""

    def answer(self, challenges: Sequence[str], method: str, uri: str) -> str | None:
        """The value of Authorization for the best of WWW-Authenticate's values (or those of
        the proxies' pair of headers); None where no challenge can be answered."""
        ...


@dataclass(frozen=True, slots=True)
class Invitation:
    """Whom to call, as whom, and by which way."""

    call_id: str
    """Ours (`rtc_...`): the user of our Contact."""
    target: URI
    """Request-URI, and To."""
    caller: Address
    """From, without a tag."""
    hop: Flow | NextHop
    """A registered phone's flow; for others what is to be located."""
    authenticator: Authenticator | None = None
    headers: tuple[tuple[str, str], ...] = ()
    """Further ones of the INVITE, as an application or a trunk asks for."""
    ring_at_most_s: float = 180.0
    """Who has not answered by then is no longer called."""


class Names(Protocol):
    """Mints what peers send back, so that any worker can tell whose it is.

    Values are tokens of RFC 3261, unique, and cannot be guessed.
    """

    def call_id(self) -> str:
        """Of a call of ours (`rtc_...`)."""
        ...

    def tag(self) -> str:
        """Of From and To: https://www.rfc-editor.org/rfc/rfc3261#section-19.3"""
        ...

    def branch(self) -> str:
        """Of Via, with its magic cookie: https://www.rfc-editor.org/rfc/rfc3261#section-8.1.1.7"""
        ...


@dataclass(frozen=True, slots=True)
class SentBy:
    """What we call ourselves in Via and Contact, by one transport."""

    host: str
    """As in a URI: IPv6 in brackets."""
    port: int | None
    """None: the transport's own."""
