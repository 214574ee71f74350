"""What a request carries that one server of ours sent to another: where its client is.

The value of a header: a sealed token (see sealed_token) around MessagePack, the zone's name and
its relay. Whoever has no cluster keys makes none that is believed, but any value in its place
keeps the request from being sent on to another cluster, so that none goes in a circle.
"""

from dataclasses import dataclass

import msgspec

from antiphon_proto.cluster_keys import ClusterKeys
from chassis.host_port import HostPort
from transceiver.signaling.sealed_token import SealedTokenError, SealedTokens

HEADER = "Antiphon-Forwarded"
PREFIX = "fwd_"
MAX_CHARS = 512
_KEY_LABEL = "forwarded request"


class ForwardMarkError(ValueError):
    """No server of this deployment made the mark."""


@dataclass(frozen=True, slots=True)
class ForwardMark:
    """What is told of the client."""

    zone: str | None
    """The name of its zone, if it has one."""
    relay: HostPort | None
    """Where its media should go, if its zone says so."""


class ForwardMarks:
    """Seals and opens them under the keys of a deployment, old ones included."""

    def __init__(self, keys: ClusterKeys) -> None:
        self.use_keys(keys)

    def use_keys(self, keys: ClusterKeys) -> None:
        """Seal under the first config of `keys` from here on, and believe all, none other."""
        self._tokens = SealedTokens(PREFIX, keys.derive_all(_KEY_LABEL))

    def seal(self, mark: ForwardMark, nonce: bytes) -> str:
        """Return the header's value; `nonce` is 12 random bytes."""
        content = msgspec.msgpack.encode((mark.zone, mark.relay and str(mark.relay)))
        return self._tokens.seal(content, nonce)

    def open(self, text: str) -> ForwardMark:
        """Raises ForwardMarkError."""
        if len(text) > MAX_CHARS:
            raise ForwardMarkError("too long")
        try:
            zone, relay = _CONTENT.decode(self._tokens.open(text))
            return ForwardMark(zone, None if relay is None else HostPort.parse_concrete(relay))
        except (SealedTokenError, msgspec.DecodeError, ValueError) as error:
            raise ForwardMarkError("not a mark of this deployment") from error


_CONTENT = msgspec.msgpack.Decoder(tuple[str | None, str | None])
