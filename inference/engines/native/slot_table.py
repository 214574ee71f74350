"""Which session has which slot of the batch."""


class NoSlotError(Exception):
    """Every slot is taken."""


class SlotTable:
    """A session has one slot; one that is handed off has a second for a while."""

    def __init__(self, slots: int) -> None:
        self._free = list(range(slots - 1, -1, -1))
        self._slots: dict[int, int] = {}
        self._second: dict[int, int] = {}

    def __contains__(self, session: int) -> bool:
        return session in self._slots

    @property
    def taken(self) -> int:
        return len(self._slots) + len(self._second)

    @property
    def sessions(self) -> dict[int, int]:
        """The slot of each session."""
        return self._slots

    @property
    def seconds(self) -> dict[int, int]:
        """The second slot of each session that has one."""
        return self._second

    def take(self, session: int) -> int:
        """Give a session a slot. Raises NoSlotError."""
        self._slots[session] = slot = self._pop()
        return slot

    def take_second(self, session: int) -> int:
        """Give a session another slot beside its own. Raises NoSlotError."""
        self._second[session] = slot = self._pop()
        return slot

    def cut_over(self, session: int) -> tuple[int, int]:
        """Leave the first slot for the second: both of them."""
        source, target = self._slots[session], self._second.pop(session)
        self._slots[session] = target
        self._free.append(source)
        return source, target

    def leave(self, session: int) -> None:
        """Give back what the session has; nothing for one that has none."""
        for table in (self._slots, self._second):
            if (slot := table.pop(session, None)) is not None:
                self._free.append(slot)

    def _pop(self) -> int:
        if not self._free:
            raise NoSlotError
        return self._free.pop()
