"""The relay workers whose datagrams the compiled loop takes, and how it answers them."""

from dataclasses import dataclass

import numpy as np

from antiphon_proto.address import Address
from antiphon_proto.tunnel import HEADER_BYTES
from loadtest.compiled.message_batch import socket_name
from loadtest.reflector.reflection import MAX_RELAYS, Reflection

LIVES = 2
"""Of one relay worker: while it hands over, both lives send from its address."""


@dataclass(slots=True)
class _Relay:
    number: int
    headers: list[bytes]
    """The row of each; empty where there was none yet."""
    oldest: int = 0


class TrustedRelays:
    """Rows of a `Reflection`, LIVES a relay worker: those of its last verified headers."""

    def __init__(self, reflection: Reflection) -> None:
        self._reflection = reflection
        self._relays: dict[Address, _Relay] = {}

    def trust(self, relay: Address, header: bytes, answer: bytes) -> None:
        """Take what begins with the `header` that was verified; what goes there begins with
        `answer`."""
        header = header[:HEADER_BYTES]
        known = self._relays.get(relay)
        if known is None:
            number = len(self._relays) % (MAX_RELAYS // LIVES)
            known = self._relays[relay] = _Relay(number, [b""] * LIVES)
        if header in known.headers:
            return
        known.headers[known.oldest] = header
        row = known.number * LIVES + known.oldest
        known.oldest = (known.oldest + 1) % LIVES
        for array, content in (
            (self._reflection.headers, header),
            (self._reflection.answers, answer),
            (self._reflection.names, socket_name(*relay)),
        ):
            array[row] = np.frombuffer(content, np.uint8)
        self._reflection.relays[0] = min(len(self._relays) * LIVES, MAX_RELAYS)
