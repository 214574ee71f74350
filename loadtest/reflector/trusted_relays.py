"""The relay workers whose datagrams the compiled loop takes, and how it answers them."""

import numpy as np

from antiphon_proto.address import Address
from antiphon_proto.tunnel import HEADER_BYTES
from loadtest.compiled.message_batch import socket_name
from loadtest.reflector.reflection import MAX_RELAYS, Reflection

LIVES = 2
"""Of one relay worker: while it hands over, both lives send from its address."""


class TrustedRelays:
    """Rows of a `Reflection`, LIVES a relay worker: those of its last verified headers."""

    def __init__(self, reflection: Reflection) -> None:
        self._reflection = reflection
        self._numbers: dict[Address, int] = {}
        self._headers: dict[Address, list[bytes]] = {}
        """By relay worker, the row of each; empty where there was none yet."""
        self._oldest: dict[Address, int] = {}

    def trust(self, relay: Address, header: bytes, answer: bytes) -> None:
        """Take what begins with the `header` that was verified; what goes there begins with
        `answer`."""
        header = header[:HEADER_BYTES]
        headers = self._headers.setdefault(relay, [b""] * LIVES)
        if header in headers:
            return
        life = self._oldest.get(relay, 0)
        self._oldest[relay] = (life + 1) % LIVES
        headers[life] = header
        number = self._numbers.setdefault(relay, len(self._numbers) % (MAX_RELAYS // LIVES))
        row = number * LIVES + life
        for array, content in (
            (self._reflection.headers, header),
            (self._reflection.answers, answer),
            (self._reflection.names, socket_name(*relay)),
        ):
            array[row] = np.frombuffer(content, np.uint8)
        self._reflection.relays[0] = min(len(self._numbers) * LIVES, MAX_RELAYS)
