"""The compiled loop: sends what is due, takes what came, for thousands of sockets.

STUN, and the first packet that came back to a call, are left to Python.
"""

from typing import Any, NamedTuple

import numpy as np

from loadtest.callers.relay.call_rows import WINDOW_BITS, CallState, new_rows
from loadtest.callers.relay.reflected_check import (
    MAX_SAMPLES,
    Findings,
    Sample,
    Tally,
    new_findings,
    note,
    note_sent,
    take_reflected,
)
from loadtest.callers.relay.talk_spurts import begin_spurt_if_due, begin_talk, plan_next
from loadtest.callers.relay.timing_wheel import NONE, TimingWheel, new_wheel, put, take_slot
from loadtest.compiled.compiling import jit, kept
from loadtest.compiled.libc import (
    EPOLL_DATA_AT,
    EPOLL_EVENT_BYTES,
    MSG_DONTWAIT,
    epoll_wait,
    monotonic_ns,
    recv,
    send,
)
from loadtest.compiled.octets import i64, put_u16, put_u32, put_u64
from loadtest.reflected_packet import (
    FIRST_BYTE,
    MARKER,
    NUMBER_AT,
    PACKET_BYTES,
    PAYLOAD_TYPE,
    SENT_AT,
    SEQUENCE_AT,
    SESSION_AT,
    SSRC_AT,
    TAG_AT,
    TIMESTAMP_AT,
    TIMESTAMP_KHZ,
)

DATAGRAM_BYTES = 2048
MAX_EVENTS = 512
MAX_PUNTS = 2048
MAX_FIRSTS = 16_384
BEHIND_NS = 200_000_000
"""A call that could not send for so long goes on from now: nobody says what he would have said.
Its SEND_LATENESS tells how long that was."""

_LAST_STUN_BYTE = 3
_SAMPLES_A_WAIT = 2 * MAX_EVENTS
"""More than one wait can note of a kind."""
_TALKING = int(CallState.TALKING)
_FREE = int(CallState.FREE)


class CallLoop(NamedTuple):
    """Everything that the loop works on."""

    rows: Any
    """`call_rows.ROW`, by call."""
    call_of: Any
    """int32: calls by the descriptor of their socket."""
    wheel: TimingWheel
    findings: Findings
    packet: Any
    """uint8: the packet being sent."""
    datagram: Any
    """uint8: the datagram that came."""
    events: Any
    """uint8: `struct epoll_event`s."""
    punts: Any
    """uint8 (MAX_PUNTS, DATAGRAM_BYTES): datagrams for Python."""
    punt_sizes: Any
    punt_calls: Any
    punted: Any
    """int64 (1,): how many wait."""
    firsts: Any
    """int64: calls to which their first packet came back."""
    firsts_at: Any
    """int64: when, by the monotonic clock."""
    first_count: Any
    """int64 (1,)."""
    timespec: Any


def new_loop(calls: int, descriptors: int, now_ns: int) -> CallLoop:
    """For so many calls at once, and files open in this process."""
    packet = np.zeros(PACKET_BYTES, np.uint8)
    packet[0] = FIRST_BYTE
    return CallLoop(
        new_rows(calls),
        np.zeros(descriptors, np.int32),
        new_wheel(calls, now_ns),
        new_findings(),
        packet,
        np.zeros(DATAGRAM_BYTES, np.uint8),
        np.zeros(MAX_EVENTS * EPOLL_EVENT_BYTES, np.uint8),
        np.zeros((MAX_PUNTS, DATAGRAM_BYTES), np.uint8),
        np.zeros(MAX_PUNTS, np.int64),
        np.zeros(MAX_PUNTS, np.int64),
        np.zeros(1, np.int64),
        np.zeros(MAX_FIRSTS, np.int64),
        np.zeros(MAX_FIRSTS, np.int64),
        np.zeros(1, np.int64),
        np.zeros(2, np.int64),
    )


def load_compiled(epoll: int) -> None:
    """Have all compiled code in memory, which would else keep the first calls waiting."""
    none = new_loop(1, 1, 0)
    none.rows["descriptor"] = -1
    run(none, epoll, 0, 0, 0)
    speak(none, 0)
    talk(none, 0)
    finish(none, 0)


@kept
def run(loop: CallLoop, epoll: int, budget_ns: int, on_schedule_ns: int, wait_ms: int) -> int:
    """Send what is due and take what came, for about `budget_ns` at most; whether Python has to
    look, or there may be more to take. Waits up to `wait_ms` for the first datagram."""
    start = now = monotonic_ns(loop.timespec)
    while True:
        busy = _send_due(loop, now)
        came = _receive(loop, epoll, on_schedule_ns, wait_ms)
        if not came and not busy:
            return 0
        wait_ms = 0
        now = monotonic_ns(loop.timespec)
        if now - start >= budget_ns or not _has_room(loop):
            return 1


@jit
def _has_room(loop: CallLoop) -> bool:
    most = 0
    for kind in range(len(loop.findings.sampled)):
        most = max(most, loop.findings.sampled[kind])
    punts = MAX_PUNTS - loop.punted[0]
    firsts = MAX_FIRSTS - loop.first_count[0]
    return bool(MAX_SAMPLES - most > _SAMPLES_A_WAIT and punts > MAX_EVENTS and firsts > MAX_EVENTS)


@kept
def speak(loop: CallLoop, call: int) -> None:
    """Send a packet at once; nothing more is due by it."""
    row = loop.rows[call]
    _send(loop, row, False, monotonic_ns(loop.timespec))


@kept
def talk(loop: CallLoop, call: int) -> None:
    """Let a call talk from now on."""
    row = loop.rows[call]
    row.state = _TALKING
    begin_talk(row, monotonic_ns(loop.timespec))
    put(loop.wheel, call, row.due_ns)


@kept
def finish(loop: CallLoop, call: int) -> int:
    """Give up what has not come back; how many packets that is."""
    row = loop.rows[call]
    lost = row.sent - 1 - row.highest
    for bit in range(WINDOW_BITS):
        lost += 1 - (row.window >> bit & 1)
    row.state = _FREE
    return int(lost)


@jit
def _send_due(loop: CallLoop, now: int) -> bool:
    """Whether there was a slot to empty."""
    call = take_slot(loop.wheel, now)
    if call == -2:
        return False
    while call != NONE:
        following = loop.wheel.following[call]
        row = loop.rows[call]
        if row.state == _TALKING:
            if row.due_ns <= now:
                _say(loop, row, now)
            put(loop.wheel, call, row.due_ns)
        call = following
    return True


@jit
def _say(loop: CallLoop, row: Any, now: int) -> None:
    note(loop.findings, Sample.SEND_LATENESS, now - row.due_ns)
    if now - row.due_ns > BEHIND_NS:
        row.due_ns = now
    _send(loop, row, begin_spurt_if_due(row), now)
    plan_next(row)


@jit
def _send(loop: CallLoop, row: Any, begins_spurt: bool, now: int) -> None:
    packet = loop.packet
    packet[1] = PAYLOAD_TYPE | (MARKER if begins_spurt else 0)
    put_u16(packet, SEQUENCE_AT, row.sent)
    put_u32(packet, TIMESTAMP_AT, now // 1000 * TIMESTAMP_KHZ // 1000)
    put_u32(packet, SSRC_AT, i64(row.ssrc))
    put_u32(packet, SESSION_AT, i64(row.session))
    put_u64(packet, TAG_AT, row.tag)
    put_u32(packet, NUMBER_AT, row.sent)
    put_u64(packet, SENT_AT, now)
    row.sent += 1
    loop.findings.tallies[Tally.SENT] += 1
    loop.findings.tallies[Tally.BYTES_SENT] += PACKET_BYTES
    sent = send(row.descriptor, packet.ctypes.data, PACKET_BYTES, MSG_DONTWAIT)
    if sent < 0:
        # The kernel told of an earlier packet that nobody took, and has not sent this one.
        sent = send(row.descriptor, packet.ctypes.data, PACKET_BYTES, MSG_DONTWAIT)
    loop.findings.tallies[Tally.SEND_FAILED] += sent < 0
    note_sent(row, begins_spurt, now)


@jit
def _receive(loop: CallLoop, epoll: int, on_schedule_ns: int, wait_ms: int) -> bool:
    """Take one datagram of each socket that has some; whether there were any."""
    count = epoll_wait(epoll, loop.events.ctypes.data, MAX_EVENTS, wait_ms)
    now = monotonic_ns(loop.timespec)
    for event in range(count):
        at = event * EPOLL_EVENT_BYTES + EPOLL_DATA_AT
        descriptor = i64(loop.events[at]) | i64(loop.events[at + 1]) << 8
        descriptor |= i64(loop.events[at + 2]) << 16
        call = loop.call_of[descriptor]
        row = loop.rows[call]
        size = recv(descriptor, loop.datagram.ctypes.data, DATAGRAM_BYTES, MSG_DONTWAIT)
        if size <= 0:
            continue
        if loop.datagram[0] <= _LAST_STUN_BYTE:
            _punt(loop, call, size)
        elif take_reflected(loop.findings, row, loop.datagram, size, now, on_schedule_ns):
            at = loop.first_count[0]
            loop.firsts[at], loop.firsts_at[at] = call, now
            loop.first_count[0] = at + 1
    return bool(count > 0)


@jit
def _punt(loop: CallLoop, call: int, size: int) -> None:
    punt = loop.punted[0]
    for at in range(size):
        loop.punts[punt, at] = loop.datagram[at]
    loop.punt_sizes[punt], loop.punt_calls[punt] = size, call
    loop.punted[0] = punt + 1
