"""Which way media flows: https://www.rfc-editor.org/rfc/rfc8866#section-6.7"""

import enum


class Direction(enum.Enum):
    """Which way media flows, from the side of whoever says it."""

    SENDRECV = "sendrecv"
    SENDONLY = "sendonly"
    RECVONLY = "recvonly"
    INACTIVE = "inactive"

    @property
    def mirrored(self) -> "Direction":
        """The same flow from the other side."""
        return _MIRRORED.get(self, self)

    @property
    def sends(self) -> bool:
        return self in (Direction.SENDRECV, Direction.SENDONLY)

    @property
    def receives(self) -> bool:
        return self in (Direction.SENDRECV, Direction.RECVONLY)


_MIRRORED = {
    Direction.SENDONLY: Direction.RECVONLY,
    Direction.RECVONLY: Direction.SENDONLY,
}
