"""What this worker tells every relay worker: which client addresses are its own.

The core of "owners announce" in docs/wire/tunnel.md: it holds the whole set and says
which frames are due; `tunnel_endpoint` sends them.
"""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from itertools import count

from antiphon_proto.address import Address
from antiphon_proto.tunnel import Frame
from antiphon_proto.tunnel_control import Bind, Reset, Unbind, UnbindReason, control_frame

LIFETIME_S = 30
"""How long a relay worker believes a BIND."""

REFRESH_S = 10.0
"""How often each binding is announced again: two announcements may be lost in a row."""

REPEATS_S = (0.1, 0.5, 2.0)
"""How long after a new or changed binding it is announced again: while relay workers missed it,
the client has only what they let through to an address that nobody confirmed."""

REFRESH_STEP_S = 0.1
"""Repetitions and refreshes are gathered this long, so that a datagram holds several."""

LATE_S = 1.5 * REFRESH_S
"""The oldest that an announcement may grow while the set shrinks faster than it is gone round."""

MAX_SSRCS = 16
"""RTP sources announced of one client; the rest of them is not followed to a new address."""


class Occasion(Enum):
    """Why a relay worker is told something."""

    NEW_EPOCH = "new_epoch"
    """It is new, started again, or was out of reach: it is told everything."""
    CHANGE = "change"
    REFRESH = "refresh"
    """Its bindings grow old, or changed so lately that the datagram may have been lost."""


@dataclass(slots=True)
class _Binding:
    ssrcs: tuple[int, ...]
    confirmed: bool
    announced_at: float
    frame: Frame


class Announcer:
    """Keeps every relay worker told which client addresses are this worker's.

    Takes changes at any time; `changes`, `due` and `everything` are what leaves for the
    relay workers, in that order of urgency.
    """

    def __init__(self, incarnation: int, now: float) -> None:
        """`incarnation` (0..255) is the one in the ufrags that this worker mints.

        Raises ValueError when it is none.
        """
        self.reset = control_frame(Reset(incarnation))
        self._bindings: dict[Address, _Binding] = {}
        """Those announced longest ago come first."""
        self._changes: dict[Address, Frame] = {}
        self._repeats: list[tuple[float, int, Address, Frame]] = []
        """A heap: when each is due, and a number that tells those of one time apart."""
        self._numbers = count()
        self._now = now
        self._refreshed_at = now
        self._credit = 0.0

    def __len__(self) -> int:
        """The bindings held."""
        return len(self._bindings)

    def bind(
        self,
        client: Address,
        *,
        ssrcs: tuple[int, ...],
        confirmed: bool,
        signalled: bool = False,
    ) -> None:
        """Claim a client address; idempotent, and what was confirmed once stays confirmed.

        `signalled`: signaling named it, and unless it is confirmed nothing else vouches for it.
        """
        held = self._bindings.get(client)
        confirmed = confirmed or (held is not None and held.confirmed)
        bind = Bind(LIFETIME_S, confirmed, ssrcs[:MAX_SSRCS], signalled and not confirmed)
        frame = control_frame(bind, client)
        if held is not None:
            if (held.ssrcs, held.frame) == (ssrcs, frame):
                return
            del self._bindings[client]
        self._bindings[client] = _Binding(ssrcs, confirmed, self._now, frame)
        self._changes[client] = frame
        for pause in REPEATS_S:
            repeat = (self._now + pause, next(self._numbers), client, frame)
            heapq.heappush(self._repeats, repeat)

    def unbind(self, client: Address, reason: UnbindReason) -> None:
        """Give a client address up; harmless when it was not bound."""
        if self._bindings.pop(client, None) is not None:
            self._changes[client] = control_frame(Unbind(reason), client)

    def holds(self, client: Address) -> bool:
        """Whether the address is claimed."""
        return client in self._bindings

    def announce_again(self, client: Address) -> None:
        """Have the claim among the changes, if there is one: somebody has not heard of it."""
        held = self._bindings.get(client)
        if held is not None:
            self._changes[client] = held.frame

    @property
    def changed(self) -> bool:
        """Whether `changes` would return anything."""
        return bool(self._changes)

    def changes(self) -> list[Frame]:
        """What changed since the last call, one frame an address: for every relay worker."""
        changes = list(self._changes.values())
        self._changes.clear()
        return changes

    def everything(self) -> list[Frame]:
        """All that a relay worker must know that knows nothing yet."""
        return [self.reset, *(binding.frame for binding in self._bindings.values())]

    def due(self, now: float) -> list[Frame]:
        """The bindings to announce again: for every relay worker.

        Those are the ones that changed lately, and of all the rest a share that is spread
        evenly over `REFRESH_S`. Also tells the announcer the time, which `bind` notes.
        """
        self._now = now
        elapsed = now - self._refreshed_at
        if elapsed < REFRESH_STEP_S:
            return []
        self._refreshed_at = now
        self._credit = min(self._credit + len(self) * elapsed / REFRESH_S, float(len(self)))
        return [*self._due_repeats(now), *self._refresh(now)]

    def _due_repeats(self, now: float) -> Iterator[Frame]:
        while self._repeats and self._repeats[0][0] <= now:
            _due_at, _number, client, frame = heapq.heappop(self._repeats)
            binding = self._bindings.get(client)
            if binding is not None and binding.frame is frame:
                yield frame

    def _refresh(self, now: float) -> list[Frame]:
        """Announce from the front, and move to the back, what the credit allows or is late."""
        frames = []
        for client, binding in list(self._bindings.items()):
            if self._credit < 1 and now - binding.announced_at < LATE_S:
                break
            self._credit = max(0.0, self._credit - 1)
            binding.announced_at = now
            del self._bindings[client]
            self._bindings[client] = binding
            frames.append(binding.frame)
        return frames
