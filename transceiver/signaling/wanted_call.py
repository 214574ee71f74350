"""What the JSON body of POST /v1/realtime/calls asks for: a call by SIP to somebody.

An extension: the API itself has no calls that go out.
"""

from dataclasses import dataclass
from typing import Annotated

import msgspec

from antiphon_proto.realtime import RealtimeError
from antiphon_proto.realtime.json_decoding import decode
from transceiver.signaling.calls import WantedCall

MAX_RING_S = 180

_To = Annotated[str, msgspec.Meta(max_length=2048, pattern=r"^(?:(?:tel|sips?):)?[!-;=?-~]+\Z")]
_User = Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Za-z+*#._~-]{1,64}\Z")]


class _Target(msgspec.Struct, rename={"caller": "from"}):
    to: _To | None = None
    target_uri: _To | None = None
    """The same, as `refer` calls it."""
    caller: _User | None = None
    trunk: str | None = None
    greeting: Annotated[str, msgspec.Meta(max_length=16_384)] | None = None
    ring_seconds: Annotated[int, msgspec.Meta(ge=1, le=MAX_RING_S)] = 60


class _Body(msgspec.Struct):
    sip: _Target
    session: msgspec.Raw = msgspec.Raw(b"{}")


_BODY = msgspec.json.Decoder(_Body)


@dataclass(frozen=True, slots=True)
class OutgoingCallRequest:
    """Whom to call, and the session configuration (a JSON text) that came with it."""

    wanted: WantedCall
    session: bytes

    @classmethod
    def parse(cls, body: bytes) -> "OutgoingCallRequest":
        """Raises RealtimeError."""
        asked = decode(_BODY, body)
        target = asked.sip
        to = target.to or target.target_uri
        if to is None or (target.to and target.target_uri):
            raise RealtimeError(
                "missing_required_parameter", "Say whom to call, once: as 'to'.", param="sip.to"
            )
        wanted = WantedCall(
            to, target.caller, target.trunk, target.greeting, float(target.ring_seconds)
        )
        return cls(wanted, bytes(asked.session))
