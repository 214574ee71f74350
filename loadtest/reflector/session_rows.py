"""Sessions as the compiled loop reads them, one row each."""

from enum import IntEnum
from typing import Any

import numpy as np

ADDRESS_BYTES = 19
"""Of family, port and host as a tunnel frame has them, for IPv6; 7 for IPv4."""


class SessionState(IntEnum):
    FREE = 0
    GRANTED = 1
    """No check has come yet."""
    CHECKED = 2
    """The caller proved that it knows the password; its packets are sent back."""
    BOUND = 3
    """It answered the owner's check, and relays know."""
    ENDED = 4
    """Its number rests until no packet of it can be on its way."""


ROW = np.dtype(
    [
        ("tag", np.int64),
        ("heard_at", np.float64),
        ("state", np.uint8),
        ("client", np.uint8, (ADDRESS_BYTES,)),
        ("former", np.uint8, (ADDRESS_BYTES,)),
    ],
    align=True,
)
"""`client` and `former` are zeros while there is none; `heard_at` is when the last check came."""


def new_rows(count: int) -> Any:
    return np.zeros(count, ROW)
