"""Tells the application of calls that ring."""

import secrets
from collections.abc import Callable, Iterator
from typing import Literal

from sipmessage import Request

from transceiver.sdp.agreed_media import MediaSecurity
from transceiver.webhooks.incoming_call import IncomingCall, SipHeader


class CallAnnouncer:
    """`send` posts an event by its id and body."""

    def __init__(self, send: Callable[[str, bytes], None], unix_time: Callable[[], float]) -> None:
        self._send = send
        self._unix_time = unix_time

    def announce(self, call_id: str, invite: Request, security: MediaSecurity | None) -> None:
        """Post `realtime.call.incoming`; the media's security is None where we make the offer."""
        event_id = f"evt_{secrets.token_hex(16)}"
        event = IncomingCall.of(
            event_id, int(self._unix_time()), call_id, _headers(invite), _named(security)
        )
        self._send(event_id, event.encoded())


def _named(security: MediaSecurity | None) -> Literal["rtp", "srtp"] | None:
    if security is None:
        return None
    return "srtp" if security.encrypted else "rtp"


def _headers(invite: Request) -> Iterator[SipHeader]:
    for name in list(invite.headers.keys()):
        for value in invite.headers.getlist(name):
            yield SipHeader(name, value)
