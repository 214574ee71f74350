"""Several packets as one input: each behind its length, 16 bits."""

import struct
from collections.abc import Iterable, Iterator


def join_packets(packets: Iterable[bytes]) -> bytes:
    return b"".join(struct.pack(">H", len(packet)) + packet for packet in packets)


def split_packets(stream: bytes) -> Iterator[bytes]:
    """The packets of `stream`; the last one may be cut off, and is left out without a length."""
    while len(stream) >= 2:
        end = 2 + int.from_bytes(stream[:2], "big")
        yield stream[2:end]
        stream = stream[end:]
