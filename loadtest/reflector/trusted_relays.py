"""The relay workers whose datagrams the compiled loop takes, and how it answers them."""

import numpy as np

from antiphon_proto.address import Address
from antiphon_proto.tunnel import HEADER_BYTES
from loadtest.compiled.message_batch import socket_name
from loadtest.reflector.reflection import MAX_RELAYS, Reflection


class TrustedRelays:
    """Rows of a `Reflection`, one a relay worker: that of its last verified header."""

    def __init__(self, reflection: Reflection) -> None:
        self._reflection = reflection
        self._rows: dict[Address, int] = {}
        self._headers: dict[Address, bytes] = {}

    def trust(self, relay: Address, header: bytes, answer: bytes) -> None:
        """Take what begins with the `header` that was verified; what goes there begins with
        `answer`."""
        header = header[:HEADER_BYTES]
        if self._headers.get(relay) == header:
            return
        self._headers[relay] = header
        row = self._rows.setdefault(relay, len(self._rows) % MAX_RELAYS)
        for array, content in (
            (self._reflection.headers, header),
            (self._reflection.answers, answer),
            (self._reflection.names, socket_name(*relay)),
        ):
            array[row] = np.frombuffer(content, np.uint8)
        self._reflection.relays[0] = min(len(self._rows), MAX_RELAYS)
