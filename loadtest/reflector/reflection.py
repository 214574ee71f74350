"""The compiled loop: clients' packets that come out of the tunnel go back into it.

What takes Python to decide is left to it as a tunnel datagram: whole where its sender is not
known yet or it has control frames, else one frame, a STUN message, in a datagram of its own.
"""

from typing import Any, NamedTuple

import numpy as np

from antiphon_proto.tunnel import HEADER_BYTES, FrameType
from loadtest.compiled.compiling import jit, kept
from loadtest.compiled.libc import MSG_DONTWAIT, monotonic_ns, recvmmsg, sendmmsg
from loadtest.compiled.message_batch import (
    NAME_BYTES,
    MessageBatch,
    forget_names,
    new_batch,
    received_bytes,
    set_message,
    set_received,
)
from loadtest.compiled.octets import put_u64, u16_at, u32_at, u64_at
from loadtest.reflected_packet import (
    FIRST_BYTE,
    MARKER,
    PACKET_BYTES,
    PAYLOAD_TYPE,
    REFLECTED_AT,
    SESSION_AT,
    TAG_AT,
)
from loadtest.reflector.counts import ReflectorCount
from loadtest.reflector.session_rows import ADDRESS_BYTES, SessionState, new_rows

BATCH = 64
STRIDE = 4096
MAX_PUNTS = 1024
MAX_RELAYS = 128
"""Rows for relay workers."""

_FRAME_HEAD = 3
"""Length and type, before the address."""
_IPV4_ADDRESS = 7
_NAME = 24
"""Bytes of a name up to the end of an IPv6 host."""
_LAST_STUN_BYTE = 3
_DATA = int(FrameType.DATA)

_FREE = int(SessionState.FREE)
_GRANTED = int(SessionState.GRANTED)
_ENDED = int(SessionState.ENDED)

_REFLECTED = int(ReflectorCount.REFLECTED)
_MISROUTED = int(ReflectorCount.MISROUTED)
_DROPPED_MALFORMED = int(ReflectorCount.DROPPED_MALFORMED)
_DROPPED_UNCHECKED = int(ReflectorCount.DROPPED_UNCHECKED)
_DROPPED_FORMER = int(ReflectorCount.DROPPED_FORMER)
_DROPPED_ENDED = int(ReflectorCount.DROPPED_ENDED)


class Reflection(NamedTuple):
    """Everything that the loop works on."""

    sessions: Any
    """`session_rows.ROW`, by number."""
    headers: Any
    """uint8 (MAX_RELAYS, HEADER_BYTES): how datagrams of each known relay worker start."""
    answers: Any
    """The same shape: how those to it start."""
    names: Any
    """uint8 (MAX_RELAYS, NAME_BYTES): where it is."""
    relays: Any
    """int64 (1,): how many of those rows may be in use."""
    inbox: MessageBatch
    outbox: MessageBatch
    punts: Any
    """uint8 (MAX_PUNTS, STRIDE): datagrams for Python."""
    punt_sizes: Any
    punt_names: Any
    """uint8 (MAX_PUNTS, NAME_BYTES): where they came from."""
    punted: Any
    """int64 (1,): how many wait."""
    counts: Any
    """int64, by `ReflectorCount`."""
    timespec: Any


def new_reflection(sessions: int) -> Reflection:
    return Reflection(
        new_rows(sessions),
        np.zeros((MAX_RELAYS, HEADER_BYTES), np.uint8),
        np.zeros((MAX_RELAYS, HEADER_BYTES), np.uint8),
        np.zeros((MAX_RELAYS, NAME_BYTES), np.uint8),
        np.zeros(1, np.int64),
        new_batch(BATCH, STRIDE),
        new_batch(BATCH, STRIDE),
        np.zeros((MAX_PUNTS, STRIDE), np.uint8),
        np.zeros(MAX_PUNTS, np.int64),
        np.zeros((MAX_PUNTS, NAME_BYTES), np.uint8),
        np.zeros(1, np.int64),
        np.zeros(len(ReflectorCount), np.int64),
        np.zeros(2, np.int64),
    )


def load_compiled(descriptor: int) -> None:
    """Have all compiled code in memory, which would else keep the first packets waiting."""
    none = new_reflection(1)
    reflect(none, descriptor, 0)
    reflect_again(none, descriptor, 0)


@kept
def reflect(reflection: Reflection, descriptor: int, batches: int) -> int:
    """Take up to so many batches from the tunnel's socket; how many datagrams came."""
    taken = 0
    for _ in range(batches):
        if reflection.punted[0] > MAX_PUNTS // 2:
            break
        forget_names(reflection.inbox, BATCH)
        count = recvmmsg(descriptor, reflection.inbox.pointer, BATCH, MSG_DONTWAIT, 0)
        if count <= 0:
            break
        taken += count
        _reflect_batch(reflection, descriptor, count, monotonic_ns(reflection.timespec))
        if count < BATCH:
            break
    reflection.counts[ReflectorCount.DATAGRAMS] += taken
    return taken


@kept
def reflect_again(reflection: Reflection, descriptor: int, punt: int) -> None:
    """Take a datagram that was left to Python once more: its sender is known by now."""
    for at in range(reflection.punt_sizes[punt]):
        reflection.inbox.buffers[0, at] = reflection.punts[punt, at]
    for at in range(NAME_BYTES):
        reflection.inbox.names[0, at] = reflection.punt_names[punt, at]
    set_received(reflection.inbox, 0, reflection.punt_sizes[punt])
    _reflect_batch(reflection, descriptor, 1, monotonic_ns(reflection.timespec))


@jit
def _reflect_batch(reflection: Reflection, descriptor: int, count: int, now: int) -> None:
    leaving = 0
    for message in range(count):
        size = received_bytes(reflection.inbox, message)
        relay = _relay_of(reflection, message, size)
        if relay < 0:
            _punt(reflection, message, 0, 0, size)
            continue
        end = _take_frames(reflection, message, size, relay, leaving, now)
        if end > HEADER_BYTES:
            for at in range(HEADER_BYTES):
                reflection.outbox.buffers[leaving, at] = reflection.answers[relay, at]
            set_message(reflection.outbox, leaving, end, reflection.names, relay)
            leaving += 1
    if leaving:
        _send(reflection, descriptor, leaving)


@jit
def _send(reflection: Reflection, descriptor: int, leaving: int) -> None:
    sent = sendmmsg(descriptor, reflection.outbox.pointer, leaving, MSG_DONTWAIT)
    for message in range(max(sent, 0), leaving):
        size = np.int64(reflection.outbox.vectors[message, 1])
        lost = (size - HEADER_BYTES) // (_FRAME_HEAD + _IPV4_ADDRESS + PACKET_BYTES)
        reflection.counts[ReflectorCount.SEND_FAILED] += lost
        reflection.counts[ReflectorCount.REFLECTED] -= lost


@jit
def _relay_of(reflection: Reflection, message: int, size: int) -> int:
    """The relay worker that a datagram of DATA is from; -1 where Python must look."""
    if size < HEADER_BYTES:
        return -1
    for relay in range(reflection.relays[0]):
        if _same(
            reflection.inbox.buffers, message, reflection.headers, relay, HEADER_BYTES
        ) and _same(reflection.inbox.names, message, reflection.names, relay, _NAME):
            return relay
    return -1


@jit
def _same(left: Any, row: int, right: Any, other: int, size: int) -> bool:
    same = True
    for at in range(size):
        same &= left[row, at] == right[other, at]
    return same


@jit
def _take_frames(
    reflection: Reflection, message: int, size: int, relay: int, leaving: int, now: int
) -> int:
    """Copy the frames that go back behind a header in message `leaving`; where they end."""
    data = reflection.inbox.buffers[message]
    out = reflection.outbox.buffers[leaving]
    at, end = HEADER_BYTES, HEADER_BYTES
    while at < size:
        payload = _payload_at(data, at, size)
        if payload < 0:
            reflection.counts[ReflectorCount.DROPPED_TUNNEL] += 1
            break
        following = payload + u16_at(data, at)
        if following > payload and data[payload] <= _LAST_STUN_BYTE:
            _punt(reflection, message, relay + 1, at, following)
        elif _is_reflected(reflection, data, at, payload, following - payload):
            put_u64(data, payload + REFLECTED_AT, now)
            for each in range(at, following):
                out[end + each - at] = data[each]
            end += following - at
        at = following
    return end


@jit
def _payload_at(data: Any, at: int, size: int) -> int:
    """Where the payload of a DATA frame begins; -1 where there is no such frame whole."""
    if at + _FRAME_HEAD + _IPV4_ADDRESS > size or data[at + 2] != _DATA:
        return -1
    family = data[at + _FRAME_HEAD]
    if family != 4 and family != 6:
        return -1
    payload = at + _FRAME_HEAD + (_IPV4_ADDRESS if family == 4 else ADDRESS_BYTES)
    return payload if payload + u16_at(data, at) <= size else -1


@jit
def _is_reflected(reflection: Reflection, data: Any, at: int, payload: int, size: int) -> bool:
    """Whether it is a packet of a session from that session's caller; counts what it is."""
    kind = _verdict(reflection, data, at + _FRAME_HEAD, payload, size)
    reflection.counts[kind] += 1
    return kind == _REFLECTED


@jit
def _verdict(reflection: Reflection, data: Any, address: int, payload: int, size: int) -> int:
    shaped = size == PACKET_BYTES and data[payload] == FIRST_BYTE
    if not shaped or data[payload + 1] & ~MARKER & 0xFF != PAYLOAD_TYPE:
        return _DROPPED_MALFORMED
    number = u32_at(data, payload + SESSION_AT)
    if number >= len(reflection.sessions):
        return _MISROUTED
    session = reflection.sessions[number]
    if session.state == _FREE or session.tag != u64_at(data, payload + TAG_AT):
        return _MISROUTED
    if session.state == _ENDED:
        return _DROPPED_ENDED
    if session.state == _GRANTED:
        return _DROPPED_UNCHECKED
    length = payload - address
    if _is_address(session.client, data, address, length):
        return _REFLECTED
    if _is_address(session.former, data, address, length):
        return _DROPPED_FORMER
    return _MISROUTED


@jit
def _is_address(held: Any, data: Any, at: int, length: int) -> bool:
    same = True
    for each in range(length):
        same &= held[each] == data[at + each]
    return same


@jit
def _punt(reflection: Reflection, message: int, relay: int, start: int, end: int) -> None:
    """Leave bytes of a datagram to Python, of a known `relay` (from 1) behind its header."""
    punt = reflection.punted[0]
    if punt == MAX_PUNTS:
        reflection.counts[ReflectorCount.DROPPED_CHECK] += 1
        return
    target = reflection.punts[punt]
    at = 0
    if relay:
        for each in range(HEADER_BYTES):
            target[each] = reflection.headers[relay - 1, each]
        at = HEADER_BYTES
    end = min(end, start + STRIDE - at)
    for each in range(start, end):
        target[at + each - start] = reflection.inbox.buffers[message, each]
    for each in range(NAME_BYTES):
        reflection.punt_names[punt, each] = reflection.inbox.names[message, each]
    reflection.punt_sizes[punt] = at + end - start
    reflection.punted[0] = punt + 1
