"""What relay workers must know: which clients' addresses are this reflector's.

"Owners announce" in docs/wire/tunnel.md: at once, again a little later, all the time, and
everything to whoever knows nothing.
"""

from collections import deque
from collections.abc import Iterable, Iterator

from antiphon_proto.address import Address
from antiphon_proto.tunnel import Frame
from antiphon_proto.tunnel_control import Bind, Reset, Unbind, UnbindReason, control_frame

LIFETIME_S = 30
REFRESH_S = 10.0
REPEATS_S = (0.5,)
"""One repeat, where a transceiver sends three: each costs the relay as much as the first, and at a
thousand new clients a second it is the relay that is to be measured, not what tells it of them."""
MAX_CONTROL_BYTES = 1150
"""Of frames in one datagram: docs/wire/tunnel.md has it pass any network whole."""
_FRAME_BYTES = 22


class Announcements:
    """Takes changes at any time; `changes`, `due` and `everything` are for the relay workers."""

    def __init__(self, incarnation: int, now: float) -> None:
        self.reset = control_frame(Reset(incarnation))
        self._frames: dict[Address, Frame] = {}
        """Of every bound client; those announced longest ago come first."""
        self._changes: dict[Address, Frame] = {}
        self._repeats: tuple[deque[tuple[float, Address, Frame]], ...] = tuple(
            deque() for _ in REPEATS_S
        )
        self._now = now
        self._credit = 0.0

    def __len__(self) -> int:
        """The clients bound."""
        return len(self._frames)

    def bind(self, client: Address, ssrc: int, now: float) -> None:
        """A client answered a check."""
        frame = control_frame(Bind(LIFETIME_S, True, (ssrc,)), client)
        self._frames.pop(client, None)
        self._frames[client] = self._changes[client] = frame
        for pause, repeats in zip(REPEATS_S, self._repeats, strict=True):
            repeats.append((now + pause, client, frame))

    def unbind(self, client: Address, reason: UnbindReason) -> None:
        """Give an address up; harmless when it was not bound."""
        if self._frames.pop(client, None) is not None:
            self._changes[client] = control_frame(Unbind(reason), client)

    def changes(self) -> list[Frame]:
        """What changed since the last call."""
        changes = list(self._changes.values())
        self._changes.clear()
        return changes

    def everything(self) -> list[Frame]:
        """What a relay worker must be told that knows nothing."""
        return [self.reset, *self._frames.values()]

    def due(self, now: float) -> list[Frame]:
        """What is to be announced again, of which the old ones are spread over REFRESH_S."""
        return [*self._due_repeats(now), *self._due_refreshes(now)]

    def _due_repeats(self, now: float) -> Iterator[Frame]:
        for repeats in self._repeats:
            while repeats and repeats[0][0] <= now:
                _due_at, client, frame = repeats.popleft()
                if self._frames.get(client) is frame:
                    yield frame

    def _due_refreshes(self, now: float) -> Iterator[Frame]:
        self._credit += len(self) * (now - self._now) / REFRESH_S
        self._credit, self._now = min(self._credit, float(len(self))), now
        while self._credit >= 1:
            self._credit -= 1
            client = next(iter(self._frames))
            frame = self._frames[client] = self._frames.pop(client)
            yield frame


def by_size(frames: Iterable[Frame]) -> Iterator[list[Frame]]:
    """Control frames in as few datagrams as may hold them, in order."""
    datagram: list[Frame] = []
    room = MAX_CONTROL_BYTES
    for frame in frames:
        size = _FRAME_BYTES + len(frame.payload)
        if size > room and datagram:
            yield datagram
            datagram, room = [], MAX_CONTROL_BYTES
        datagram.append(frame)
        room -= size
    if datagram:
        yield datagram
