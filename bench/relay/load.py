"""The load: clients and owners of 4096 calls in one compiled loop.

The loop sends, receives and checks; `endpoints` makes the sockets and addresses that it
works on. A packet is an RTP header, when it was sent, and whose it is, twice: so every one
that arrives tells whether it came to the right owner or client, and whole.

     0 ..  11   RTP header; the SSRC is the client's number
    12 ..  19   when it was sent, in ns of the monotonic clock
    20 ..  23   the client's number
    24 ..       zero
    last four   the client's number, inverted
"""

from enum import IntEnum
from typing import NamedTuple

import numpy as np

from bench.relay.message_batch import (
    ARRIVED_AT_WORD,
    LENGTH_WORD,
    LOCAL_HOST_WORD,
    NAME_BYTES,
    MessageBatch,
)
from bench.relay.system_calls import MSG_DONTWAIT, compiled, monotonic_ns, poll, recvmmsg, sendmmsg

PAYLOAD_BYTES = 120
"""An Opus packet of 20 ms at 32 kbit/s, with SRTP's tag."""

SEND_BATCH = 64
RECEIVE_BATCH = 256
ANSWER_BATCH = 1024

TUNNEL_HEADER = 20
FRAME_HEADER = 10
DATA = 0
"""The type of a client's frame; another one says through which other relay a datagram came."""
FRAME_SLACK = 2
"""A frame starts here in its buffer, so that its payload's numbers are aligned."""

STALLED_NS = 50_000_000
"""Packets in flight are given up when nothing arrived for so long, and others are sent."""
BEHIND_NS = 2_000_000
"""A paced sender that is later than this starts its schedule anew rather than send a burst."""
DRAINS = 4
"""Batches taken from one socket before the others have their turn."""

_U64 = np.uint64
_POLLIN = _U64(1)
_EVENTS_SHIFT = _U64(48)


class Answer(IntEnum):
    """What an owner does with a datagram from the relay."""

    NONE = 0
    AS_IT_CAME = 1
    """It goes back with as many frames as it held."""
    FRAME_BY_FRAME = 2
    """Each frame goes back in a datagram of its own."""


class Watch(IntEnum):
    """Whose packets' one-way latency is recorded."""

    NOBODY = 0
    OWNERS = 1
    CLIENTS = 2


class Count(IntEnum):
    """What `Load.counts` counts, in packets."""

    UP_SENT = 0
    UP_RECEIVED = 1
    DOWN_SENT = 2
    DOWN_RECEIVED = 3
    WRONG = 4
    GIVEN_UP = 5
    LATENCIES = 6
    SKIPPED_NS = 7
    SEQUENCE = 8
    NEXT_SOCKET = 9
    NEXT_OWNER = 10


class Traffic(NamedTuple):
    """What is sent: up to a window of packets in flight, or one packet each gap. 0 is neither."""

    up_window: int = 0
    down_window: int = 0
    up_gap_ns: int = 0
    down_gap_ns: int = 0
    answer: int = Answer.NONE
    watch: int = Watch.NOBODY


class Load(NamedTuple):
    """Everything that the loop works on; clients and owners are numbered from 0."""

    client_sockets: np.ndarray
    """int32; client C uses the one of index C modulo their number."""
    owner_sockets: np.ndarray
    """int32."""
    polled: np.ndarray
    """uint64: struct pollfd of the clients' sockets, then of the owners'."""
    client_hosts: np.ndarray
    """uint32: each client's own host."""
    client_frames: np.ndarray
    """uint8 (clients, 8): type, family, port and host of its frames."""
    owner_of: np.ndarray
    """uint8."""
    clients_of: np.ndarray
    """uint32 (owners, clients of each)."""
    up_names: np.ndarray
    """uint64 (owners, 2): where clients of an owner send to."""
    down_names: np.ndarray
    """uint64 (clients, 2): where the owner sends a client's packets to."""
    tunnel_names: np.ndarray
    """uint64 (tunnels, 2): addresses of the relay's workers, as owners see them."""
    tunnel_of: np.ndarray
    """uint8: by which worker a client's packets came."""
    tunnel_headers: np.ndarray
    """uint8 (owners * tunnels, bytes): of DATA from an owner to a worker."""
    framed: int
    """Whether there is a tunnel: else owners see bare packets, and answer where they came from."""
    prefix: int
    """Bytes of ChannelData's header before a client's packets, 4 or 0."""
    up: MessageBatch
    down: MessageBatch
    owner_in: MessageBatch
    client_in: MessageBatch
    answers: MessageBatch
    counts: np.ndarray
    """int64, by `Count`."""
    next_client: np.ndarray
    """int64: for each client socket, then for each owner, whose turn it is."""
    latencies: np.ndarray
    """uint32: nanoseconds; the first Count.LATENCIES are valid."""
    timespec: np.ndarray
    """int64 (2,): scratch space of the clock."""


@compiled
def run(load: Load, traffic: Traffic, duration_ns: int) -> int:
    """Send and receive for that long; returns the nanoseconds that it really took."""
    start = now = monotonic_ns(load.timespec)
    up_due = down_due = moved = now
    received = -1
    while now - start < duration_ns:
        total = load.counts[Count.UP_RECEIVED] + load.counts[Count.DOWN_RECEIVED]
        if total != received:
            received, moved = total, now
        in_flight = _in_flight(load, traffic)
        if in_flight > 0 and now - moved > STALLED_NS:
            load.counts[Count.GIVEN_UP] += in_flight
            moved = now
        if traffic.up_window:
            send = min(SEND_BATCH, traffic.up_window - _in_flight(load, traffic))
            if send >= SEND_BATCH // 4:
                _send_up(load, send, now)
        if traffic.down_window:
            send = min(SEND_BATCH, traffic.down_window - _in_flight(load, traffic))
            if send >= SEND_BATCH // 4:
                _send_down(load, send, now)
        if traffic.up_gap_ns and up_due <= now:
            up_due = _kept(load, up_due, now) + traffic.up_gap_ns
            _send_up(load, 1, now)
        if traffic.down_gap_ns and down_due <= now:
            down_due = _kept(load, down_due, now) + traffic.down_gap_ns
            _send_down(load, 1, now)
        _receive(load, traffic)
        now = monotonic_ns(load.timespec)
    return now - start


@compiled
def _in_flight(load: Load, traffic: Traffic) -> int:
    """Packets on their way; one to be answered is so until its answer is back."""
    counts = load.counts
    if traffic.down_window:
        flying = counts[Count.DOWN_SENT] - counts[Count.DOWN_RECEIVED]
    elif traffic.answer:
        flying = counts[Count.UP_SENT] - counts[Count.DOWN_RECEIVED]
    else:
        flying = counts[Count.UP_SENT] - counts[Count.UP_RECEIVED]
    if flying < counts[Count.GIVEN_UP]:
        # What was given up arrived after all.
        counts[Count.GIVEN_UP] = flying
    return flying - counts[Count.GIVEN_UP]


@compiled
def _kept(load: Load, due: int, now: int) -> int:
    """The time that the packet due then counts as sent at."""
    if now - due < BEHIND_NS:
        return due
    load.counts[Count.SKIPPED_NS] += now - due
    return now


@compiled
def _fill(load: Load, words: np.ndarray, word: int, client: int, now: int) -> None:
    """Write a packet of `client` into 32-bit words from `word` on."""
    sequence = load.counts[Count.SEQUENCE] & 0xFFFF
    load.counts[Count.SEQUENCE] += 1
    words[word] = 0x6F80 | (sequence & 0xFF) << 24 | (sequence >> 8) << 16
    words[word + 2] = client
    words[word + 3] = now & 0xFFFFFFFF
    words[word + 4] = now >> 32
    words[word + 5] = client
    words[word + PAYLOAD_BYTES // 4 - 1] = ~client & 0xFFFFFFFF


@compiled
def _send_up(load: Load, packets: int, now: int) -> None:
    """Send as many, each from another client, from one socket; the next call takes the next."""
    sockets = load.client_sockets.shape[0]
    per_socket = load.owner_of.shape[0] // sockets
    port = load.counts[Count.NEXT_SOCKET]
    first = load.next_client[port]
    for i in range(packets):
        client = (first + i) % per_socket * sockets + port
        _fill(load, load.up.words[i], load.prefix // 4, client, now)
        load.up.control[i, LOCAL_HOST_WORD] = load.client_hosts[client]
        owner = load.owner_of[client]
        load.up.headers[i, 0] = _U64(load.up_names.ctypes.data) + _U64(owner * NAME_BYTES)
    sent = max(0, sendmmsg(load.client_sockets[port], load.up.pointer, packets, 0))
    load.counts[Count.UP_SENT] += sent
    load.next_client[port] = (first + sent) % per_socket
    load.counts[Count.NEXT_SOCKET] = (port + 1) % sockets


@compiled
def _send_down(load: Load, packets: int, now: int) -> None:
    """Send as many, each to another client, from one owner; the next call takes the next."""
    owners, per_owner = load.clients_of.shape
    owner = load.counts[Count.NEXT_OWNER]
    turn = load.client_sockets.shape[0] + owner
    first = load.next_client[turn]
    for i in range(packets):
        client = load.clients_of[owner, (first + i) % per_owner]
        at = FRAME_SLACK + FRAME_HEADER
        _fill(load, load.down.words[i], at // 4, client, now)
        load.down.headers[i, 0] = _U64(load.down_names.ctypes.data) + _U64(client * NAME_BYTES)
        if load.framed:
            at = FRAME_SLACK
            load.down.buffers[i, at] = PAYLOAD_BYTES >> 8
            load.down.buffers[i, at + 1] = PAYLOAD_BYTES & 0xFF
            for j in range(FRAME_HEADER - 2):
                load.down.buffers[i, at + 2 + j] = load.client_frames[client, j]
        _set_header(load, load.down, i, owner, load.tunnel_of[client])
        body = load.down.buffer_pointer + i * load.down.buffers.shape[1]
        load.down.vectors[2 * i + 1, 0] = body + at
        load.down.vectors[2 * i + 1, 1] = FRAME_SLACK + FRAME_HEADER + PAYLOAD_BYTES - at
    sent = max(0, sendmmsg(load.owner_sockets[owner], load.down.pointer, packets, 0))
    load.counts[Count.DOWN_SENT] += sent
    load.next_client[turn] = (first + sent) % per_owner
    load.counts[Count.NEXT_OWNER] = (owner + 1) % owners


@compiled
def _set_header(load: Load, batch: MessageBatch, message: int, owner: int, tunnel: int) -> None:
    """Let a message of two vectors start with the tunnel's header, if there is a tunnel."""
    row = owner * load.tunnel_names.shape[0] + tunnel
    size = load.tunnel_headers.shape[1]
    batch.vectors[2 * message, 0] = load.tunnel_headers.ctypes.data + row * size
    batch.vectors[2 * message, 1] = size if load.framed else 0


@compiled
def _receive(load: Load, traffic: Traffic) -> None:
    """Take what has arrived at any socket."""
    clients = load.client_sockets.shape[0]
    if poll(load.polled.ctypes.data, load.polled.shape[0], 0) <= 0:
        return
    for i in range(load.polled.shape[0]):
        if load.polled[i] >> _EVENTS_SHIFT & _POLLIN:
            for _ in range(DRAINS):
                if i < clients:
                    full = _receive_at_client(load, traffic, i)
                else:
                    full = _receive_at_owner(load, traffic, i - clients)
                if not full:
                    break


@compiled
def _receive_at_client(load: Load, traffic: Traffic, port: int) -> bool:
    """Take one batch from one client socket; whether there may be more."""
    batch = load.client_in
    taken = recvmmsg(load.client_sockets[port], batch.pointer, RECEIVE_BATCH, MSG_DONTWAIT, 0)
    now = monotonic_ns(load.timespec)
    for i in range(taken):
        size = np.int64(batch.header_words[i, LENGTH_WORD])
        client = _whose(load, batch.buffers[i], load.prefix, size - load.prefix)
        if client < 0 or batch.control[i, ARRIVED_AT_WORD] != load.client_hosts[client]:
            load.counts[Count.WRONG] += 1
            continue
        if client % load.client_sockets.shape[0] != port:
            load.counts[Count.WRONG] += 1
            continue
        load.counts[Count.DOWN_RECEIVED] += 1
        if traffic.watch == Watch.CLIENTS:
            _record(load, batch.buffers[i], load.prefix, now)
    return taken == RECEIVE_BATCH


@compiled
def _receive_at_owner(load: Load, traffic: Traffic, owner: int) -> bool:
    """Take and answer one batch from one owner's socket; whether there may be more."""
    batch = load.owner_in
    taken = recvmmsg(load.owner_sockets[owner], batch.pointer, RECEIVE_BATCH, MSG_DONTWAIT, 0)
    now = monotonic_ns(load.timespec)
    queued = 0
    for i in range(taken):
        size = np.int64(batch.header_words[i, LENGTH_WORD])
        if not load.framed:
            client = _whose(load, batch.buffers[i], 0, size)
            if not _belongs(load, client, owner):
                continue
            if traffic.watch == Watch.OWNERS:
                _record(load, batch.buffers[i], 0, now)
            if traffic.answer:
                queued = _queue(load, queued, i, owner, 0, 0, size)
            continue
        if batch.buffers[i, 0] & 1:
            # A control datagram, such as an answer to a probe.
            continue
        tunnel = _tunnel(load, batch.names[i, 0])
        if tunnel < 0:
            load.counts[Count.WRONG] += 1
            continue
        at = TUNNEL_HEADER
        if batch.buffers[i, at + 2] != DATA:
            at += FRAME_HEADER + batch.buffers[i, at + 1]
        start = at
        frames = 0
        while at + FRAME_HEADER <= size:
            end = at + FRAME_HEADER + (batch.buffers[i, at] << 8 | batch.buffers[i, at + 1])
            if end > size:
                break
            frames += _take_frame(load, traffic, batch.buffers[i], at, end, owner, tunnel, now)
            if traffic.answer == Answer.FRAME_BY_FRAME:
                if queued == ANSWER_BATCH:
                    queued = _flush(load, owner, queued)
                queued = _queue(load, queued, i, owner, tunnel, at, end)
            at = end
        if at != size:
            load.counts[Count.WRONG] += 1
        elif traffic.answer == Answer.AS_IT_CAME:
            queued = _queue(load, queued, i, owner, tunnel, start, size)
            load.counts[Count.DOWN_SENT] += frames - 1
    _flush(load, owner, queued)
    return taken == RECEIVE_BATCH


@compiled
def _take_frame(
    load: Load,
    traffic: Traffic,
    buffer: np.ndarray,
    at: int,
    end: int,
    owner: int,
    tunnel: int,
    now: int,
) -> int:
    """Check and count one frame; 1 if it is this owner's, else 0."""
    payload = at + FRAME_HEADER
    client = _whose(load, buffer, payload, end - payload)
    if client >= 0:
        for j in range(FRAME_HEADER - 2):
            if buffer[at + 2 + j] != load.client_frames[client, j]:
                client = -1
                break
    if not _belongs(load, client, owner):
        return 0
    load.tunnel_of[client] = tunnel
    if traffic.watch == Watch.OWNERS:
        _record(load, buffer, payload, now)
    return 1


@compiled
def _belongs(load: Load, client: int, owner: int) -> bool:
    """Count a packet that reached an owner; False, and counted as wrong, when it is not its own."""
    if client < 0 or load.owner_of[client] != owner:
        load.counts[Count.WRONG] += 1
        return False
    load.counts[Count.UP_RECEIVED] += 1
    return True


@compiled
def _whose(load: Load, buffer: np.ndarray, at: int, size: int) -> int:
    """The client that a packet says it belongs to; -1 when it is not one of ours, whole."""
    if size != PAYLOAD_BYTES or buffer[at] != 0x80:
        return -1
    client = _word(buffer, at + 20)
    if client >= load.owner_of.shape[0]:
        return -1
    if _word(buffer, at + size - 4) != ~client & 0xFFFFFFFF:
        return -1
    return client


@compiled
def _word(buffer: np.ndarray, at: int) -> int:
    value = np.int64(0)
    for i in range(4):
        value |= np.int64(buffer[at + i]) << (8 * i)
    return value


@compiled
def _record(load: Load, buffer: np.ndarray, at: int, now: int) -> None:
    """Note how long a packet was on its way."""
    index = load.counts[Count.LATENCIES]
    if index < load.latencies.shape[0]:
        sent = _word(buffer, at + 12) | _word(buffer, at + 16) << 32
        load.latencies[index] = now - sent
        load.counts[Count.LATENCIES] = index + 1


@compiled
def _tunnel(load: Load, name: int) -> int:
    for i in range(load.tunnel_names.shape[0]):
        if load.tunnel_names[i, 0] == name:
            return i
    return -1


@compiled
def _queue(
    load: Load, queued: int, message: int, owner: int, tunnel: int, start: int, end: int
) -> int:
    """Prepare the return of a received message's bytes; the number of messages prepared by now."""
    batch = load.answers
    batch.headers[queued, 0] = load.owner_in.name_pointer + message * NAME_BYTES
    _set_header(load, batch, queued, owner, tunnel)
    buffer = load.owner_in.buffer_pointer + message * load.owner_in.buffers.shape[1]
    batch.vectors[2 * queued + 1, 0] = buffer + start
    batch.vectors[2 * queued + 1, 1] = end - start
    return queued + 1


@compiled
def _flush(load: Load, owner: int, queued: int) -> int:
    """Send what was prepared; 0, the number of messages that are prepared then."""
    done = 0
    while done < queued:
        sent = sendmmsg(
            load.owner_sockets[owner], load.answers.pointer + done * 64, queued - done, 0
        )
        if sent <= 0:
            break
        done += sent
    load.counts[Count.DOWN_SENT] += done
    return 0
