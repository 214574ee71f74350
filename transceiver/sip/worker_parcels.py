"""What the workers of a cluster hand each other about SIP, and how that is sealed.

A letter is sealed bytes (see sealed_bytes) around MessagePack; it names whom it is for, and when
it was written, so that nobody can have it read by another worker, or twice.
"""

import msgspec
from msgspec import Struct

from antiphon_proto.address import Address
from antiphon_proto.cluster_keys import ClusterKeys
from transceiver.sealed_bytes import SealedBytes, SealedBytesError
from transceiver.sip.flow import Flow

MAX_PARCELS = 256
"""In one letter."""
MAX_LETTER_BYTES = 2 * 1024 * 1024

_LABEL = "sip letter"
_FLOW_BYTES = 160


class Arrived(Struct, frozen=True, tag="arrived", array_like=True):
    """A message for the worker that reads this, and what its answers go by."""

    message: bytes
    flow: Flow


class Leaving(Struct, frozen=True, tag="leaving", array_like=True):
    """A message to be sent by a flow of the worker that reads this."""

    message: bytes
    flow: Flow


class Lost(Struct, frozen=True, tag="lost", array_like=True):
    """A flow that the worker that reads this has used is no more."""

    flow: Flow


class News(Struct, frozen=True, tag="news", array_like=True):
    """What the registrar of one worker tells those of its host."""

    content: bytes


Parcel = Arrived | Leaving | Lost | News


class Letter(Struct, frozen=True, array_like=True):
    """Parcels in the order in which they are to be opened."""

    sent_at: float
    """Unix seconds, by the sender's clock."""
    sender: Address
    receiver: Address
    """Tunnel addresses."""
    parcels: tuple[Parcel, ...]


class LetterError(ValueError):
    """The bytes are no letter of this cluster's."""


class LetterSeal:
    """Seals under the first of a cluster's keys, opens under all. Nonces are 12 random bytes."""

    def __init__(self, keys: ClusterKeys) -> None:
        self.use_keys(keys)

    def use_keys(self, keys: ClusterKeys) -> None:
        self._sealed = SealedBytes(_LABEL.encode(), keys.derive_all(_LABEL))

    def seal(self, letter: Letter, nonce: bytes) -> bytes:
        return self._sealed.seal(msgspec.msgpack.encode(letter), nonce)

    def open(self, data: bytes) -> Letter:
        """Raises LetterError."""
        try:
            return _LETTERS.decode(self._sealed.open(data))
        except (SealedBytesError, msgspec.DecodeError) as error:
            raise LetterError("not a letter of this cluster") from error


_LETTERS: msgspec.msgpack.Decoder[Letter] = msgspec.msgpack.Decoder(Letter)


def parcel_bytes(parcel: Parcel) -> int:
    """What it takes in a letter, at most."""
    match parcel:
        case Arrived(message) | Leaving(message):
            return len(message) + _FLOW_BYTES
        case News(content):
            return len(content) + _FLOW_BYTES
        case Lost():
            return _FLOW_BYTES
