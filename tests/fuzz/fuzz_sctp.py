"""A client's SCTP packets: what is kept and computed stays bounded, and nothing escapes.

An input is a series of packets, each behind its length and without its header, which is put
right here: what the checksum and the tag would stop needs no fuzzing.
"""

import asyncio
import struct

from aiortc.rtcsctptransport import (
    DataChunk,
    ForwardTsnChunk,
    HeartbeatChunk,
    InitChunk,
    ReconfigChunk,
    SackChunk,
    crc32c,
)

from tests.fuzz.packet_stream import join_packets, split_packets
from transceiver.data_channel import ChannelEnd, DataChannel
from transceiver.sctp_association import MAX_STREAMS, MAX_WAITING_CHUNKS

_TSN = 1000
_OPEN = b"\x03\x00\x00\x00\x00\x00\x00\x00\x00\x0a\x00\x00oai-events"
_MAX_CHUNKS = 4096 // 16
"""Of one input, in excess of what is kept when it is judged."""


class _Listener:
    def channel_opened(self) -> None: ...
    def message_received(self, text: str) -> None: ...
    def channel_closed(self, end: ChannelEnd) -> None: ...


def _data(tsn: int, user_data: bytes, *, flags: int = 3, protocol: int = 51) -> bytes:
    chunk = DataChunk(flags)
    chunk.tsn, chunk.stream_id, chunk.protocol = tsn, 1, protocol
    chunk.user_data = user_data
    return bytes(chunk)


def _init() -> bytes:
    chunk = InitChunk()
    chunk.initiate_tag, chunk.advertised_rwnd = 7, 1 << 20
    chunk.outbound_streams = chunk.inbound_streams = 16
    chunk.initial_tsn = _TSN
    chunk.params = [(0x8008, b"\xc0\x82")]
    return bytes(chunk)


def _sack() -> bytes:
    chunk = SackChunk()
    chunk.gaps = [(1, 1), (3, 4)]
    return bytes(chunk)


def _forward() -> bytes:
    chunk = ForwardTsnChunk()
    chunk.cumulative_tsn, chunk.streams = _TSN + 5, [(1, 2)]
    return bytes(chunk)


def _with_params(chunk: HeartbeatChunk | ReconfigChunk, kind: int, value: bytes) -> bytes:
    chunk.params = [(kind, value)]
    return bytes(chunk)


def _series(*packets: bytes) -> bytes:
    return join_packets(packets)


_OPENED = _data(_TSN, _OPEN, protocol=50)

SEEDS = [
    _series(_init(), _OPENED, _data(_TSN + 1, b"{}"), _sack()),
    _series(_init(), _OPENED, _data(_TSN + 3, b"x", flags=0), _data(_TSN + 2, b"x", flags=2)),
    _series(_init(), _OPENED + _sack() + _forward(), _data(_TSN + 7, b"x", flags=4)),
    _series(
        _init(),
        _OPENED,
        _with_params(HeartbeatChunk(), 1, b"here"),
        _with_params(ReconfigChunk(), 13, struct.pack(">LLLH", 1, 2, _TSN, 1)),
        _with_params(ReconfigChunk(), 17, struct.pack(">LHH", 2, 9, 0)),
    ),
]


def one_input(data: bytes) -> None:
    asyncio.run(_feed(data))


async def _feed(data: bytes) -> None:
    channel = DataChannel(
        _Listener(), lambda _packet: None, client=True, remote_port=5000, max_message_bytes=65536
    )
    channel.start()
    sctp = channel._sctp
    for chunks in split_packets(data):
        tag = 0 if chunks[:1] == b"\x01" else sctp._local_verification_tag
        head = struct.pack("!HHL", 5000, 5000, tag)
        checksum = struct.pack("<L", crc32c(head + bytes(4) + chunks))
        channel.receive(head + checksum + chunks)
        channel.send("an event")
        assert len(sctp._inbound_streams) <= MAX_STREAMS + _MAX_CHUNKS
        assert len(sctp._sack_misordered) <= MAX_WAITING_CHUNKS + _MAX_CHUNKS
    channel.close()
