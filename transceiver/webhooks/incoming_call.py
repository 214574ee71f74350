"""`realtime.call.incoming`: a SIP call rings, to be accepted or rejected.

https://platform.openai.com/docs/api-reference/webhook-events/realtime/call/incoming
"""

from collections.abc import Iterable
from typing import Literal

import msgspec

_SECRET_HEADERS = frozenset({"authorization", "proxy-authorization"})


class SipHeader(msgspec.Struct, frozen=True):
    """One of the INVITE's."""

    name: str
    value: str


class _Data(msgspec.Struct, omit_defaults=True):
    call_id: str
    sip_headers: list[SipHeader]
    sip_media_security: str | None = None


class IncomingCall(msgspec.Struct):
    """The event, as it is posted."""

    id: str
    created_at: int
    """Unix seconds."""
    data: _Data
    type: Literal["realtime.call.incoming"] = "realtime.call.incoming"
    object: Literal["event"] = "event"

    @classmethod
    def of(
        cls,
        event_id: str,
        created_at: int,
        call_id: str,
        headers: Iterable[SipHeader],
        media_security: Literal["rtp", "srtp"] | None = None,
    ) -> "IncomingCall":
        """The headers keep their order, and come as often as they came; credentials are left out.

        `media_security` is None where it is not known.
        """
        shown = [each for each in headers if each.name.strip().lower() not in _SECRET_HEADERS]
        return cls(event_id, created_at, _Data(call_id, shown, media_security))

    def encoded(self) -> bytes:
        return msgspec.json.encode(self)
