"""What transceiver workers ask each other about conversations, and how that is sealed.

A request and its answer are sealed bytes (see sealed_bytes) around MessagePack, so that only
workers of this cluster can ask, and nobody else reads along.
"""

from typing import TypeVar

import msgspec
from msgspec import Struct

from antiphon_proto.cluster_keys import ClusterKeys
from transceiver.resumption.continuity import TakenUp
from transceiver.resumption.event_ring import Missed
from transceiver.resumption.snapshot import SnapshotPart, decode_parts, encode_part
from transceiver.sealed_bytes import SealedBytes, SealedBytesError

MAX_MESSAGE_BYTES = 24 * 1024 * 1024
"""The longest conversation with its images, twice."""

MessageT = TypeVar("MessageT")

_REQUEST, _ANSWER, _PART = "peer request", "peer answer", "snapshot"


class KeptPart(Struct, frozen=True, array_like=True):
    """A part of a snapshot, on its way to whoever keeps it; `sealed` is opaque there."""

    session_id: str
    generation: int
    number: int
    sealed: bytes


class Over(Struct, frozen=True, array_like=True):
    """A session that nobody resumes any more, but for who has restored it meanwhile: its
    generation is a later one."""

    session_id: str
    generation: int


class Keep(Struct, frozen=True, tag="keep"):
    """Keep these parts, keep those snapshots for longer, and forget the others."""

    parts: tuple[KeptPart, ...] = ()
    alive: tuple[str, ...] = ()
    over: tuple[Over, ...] = ()


class Kept(Struct, frozen=True, tag="kept"):
    """`incomplete`: sessions of whose snapshot parts are missing here."""

    incomplete: tuple[str, ...] = ()


class Fetch(Struct, frozen=True, tag="fetch"):
    """Asks for a snapshot."""

    session_id: str


class Fetched(Struct, frozen=True, tag="fetched"):
    """Its sealed parts in order; none where there is no such snapshot."""

    generation: int = 0
    parts: tuple[bytes, ...] = ()


class Find(Struct, frozen=True, tag="find"):
    """Asks whether a session is held, its client lost or not."""

    session_id: str


class Found(Struct, frozen=True, tag="found"):
    here: bool
    by_websocket: bool = False


class Take(Struct, frozen=True, tag="take"):
    """Asks for a session that is held, to go on with it; it ends where it was."""

    session_id: str
    owner: str
    """The tunnel address (HOST:PORT) of who is asked."""
    last_event_id: str | None = None


class Taken(Struct, frozen=True, tag="taken"):
    """`snapshot` is a whole part; empty where there is no such session."""

    snapshot: bytes = b""
    events: tuple[tuple[str, bytes], ...] = ()
    complete: bool = False
    generation: int = 0

    @classmethod
    def of(cls, taken: TakenUp, generation: int) -> "Taken":
        snapshot, missed = taken.snapshot, taken.missed or Missed((), complete=False)
        part = encode_part(SnapshotPart.whole(snapshot))
        return cls(part, missed.events, missed.complete, generation)

    def taken_up(self) -> TakenUp | None:
        """Raises SnapshotError."""
        if not self.snapshot:
            return None
        snapshot, _owner = decode_parts([self.snapshot])
        return TakenUp(snapshot, Missed(self.events, self.complete), self.generation)


Request = Keep | Fetch | Find | Take
Answer = Kept | Fetched | Found | Taken


class Letter(Struct, frozen=True, array_like=True):
    """A request on its way."""

    sent_at: float
    """Unix seconds, by the sender's clock."""
    request: Request


class PeerMessageError(ValueError):
    """The bytes are no message of this cluster's."""


class PeerSeal:
    """Seals under the first of a cluster's keys, opens under all. Nonces are 12 random bytes."""

    def __init__(self, keys: ClusterKeys) -> None:
        self.use_keys(keys)

    def use_keys(self, keys: ClusterKeys) -> None:
        self._request, self._answer, self._part = (
            SealedBytes(label.encode(), keys.derive_all(label))
            for label in (_REQUEST, _ANSWER, _PART)
        )

    def seal_request(self, letter: Letter, nonce: bytes) -> bytes:
        return self._request.seal(msgspec.msgpack.encode(letter), nonce)

    def open_request(self, data: bytes) -> Letter:
        """Raises PeerMessageError."""
        return _opened(self._request, data, _LETTERS)

    def seal_answer(self, answer: Answer, nonce: bytes) -> bytes:
        return self._answer.seal(msgspec.msgpack.encode(answer), nonce)

    def open_answer(self, data: bytes) -> Answer:
        """Raises PeerMessageError."""
        return _opened(self._answer, data, _ANSWERS)

    def seal_part(self, session_id: str, content: bytes, nonce: bytes) -> bytes:
        return self._part.seal(session_id.encode() + b"\0" + content, nonce)

    def open_part(self, session_id: str, data: bytes) -> bytes:
        """Raises PeerMessageError, also for a part of another session."""
        try:
            named, _, content = self._part.open(data).partition(b"\0")
        except SealedBytesError as error:
            raise PeerMessageError(str(error)) from error
        if named != session_id.encode():
            raise PeerMessageError("a part of another session")
        return content


def _opened(
    sealed: SealedBytes, data: bytes, decoder: msgspec.msgpack.Decoder[MessageT]
) -> MessageT:
    try:
        return decoder.decode(sealed.open(data))
    except (SealedBytesError, msgspec.DecodeError) as error:
        raise PeerMessageError("not a message of this cluster") from error


_LETTERS = msgspec.msgpack.Decoder(Letter)
_ANSWERS: msgspec.msgpack.Decoder[Answer] = msgspec.msgpack.Decoder(Answer)
