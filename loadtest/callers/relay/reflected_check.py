"""What came back to a call: whose it is, which of its packets are missing, and how long it took."""

from enum import IntEnum
from typing import Any, NamedTuple

import numpy as np

from loadtest.callers.relay.call_rows import WINDOW_BITS
from loadtest.compiled.compiling import jit
from loadtest.compiled.octets import u32_at, u64_at
from loadtest.reflected_packet import (
    FIRST_BYTE,
    MARKER,
    NUMBER_AT,
    PACKET_BYTES,
    PAYLOAD_TYPE,
    REFLECTED_AT,
    SENT_AT,
    SESSION_AT,
    TAG_AT,
)

MAX_SAMPLES = 65_536
HEALING_NS = 100_000_000
"""A call that heard nothing for less was not hurt."""


class Tally(IntEnum):
    """What the loop counts."""

    SENT = 0
    SEND_FAILED = 1
    RECEIVED = 2
    ON_SCHEDULE = 3
    LOST = 4
    REORDERED = 5
    DUPLICATED = 6
    UNAUTHENTICATED = 7
    MISROUTED = 8
    BYTES_SENT = 9
    BYTES_RECEIVED = 10


class Sample(IntEnum):
    """Latencies that the loop notes, in seconds."""

    SEND_LATENESS = 0
    FRAME_LATENESS = 1
    ONE_WAY_DELAY = 2
    ROUND_TRIP = 3
    HEALING = 4


class Findings(NamedTuple):
    """What the loop finds until Python takes it."""

    tallies: Any
    """int64, by `Tally`."""
    samples: Any
    """float64 (kinds, MAX_SAMPLES), by `Sample`."""
    sampled: Any
    """int64: how many of each kind there are."""


def new_findings() -> Findings:
    return Findings(
        np.zeros(len(Tally), np.int64),
        np.zeros((len(Sample), MAX_SAMPLES)),
        np.zeros(len(Sample), np.int64),
    )


@jit
def note(findings: Findings, kind: int, nanoseconds: int) -> None:
    at = findings.sampled[kind]
    if at < MAX_SAMPLES:
        findings.samples[kind, at] = nanoseconds * 1e-9
        findings.sampled[kind] = at + 1


@jit
def take_reflected(
    findings: Findings, row: Any, data: Any, size: int, now_ns: int, on_schedule_ns: int
) -> bool:
    """Take a datagram that came to a call; whether it is the first of its packets to come back."""
    findings.tallies[Tally.BYTES_RECEIVED] += size
    shaped = size == PACKET_BYTES and data[0] == FIRST_BYTE
    if not shaped or data[1] & ~MARKER & 0xFF != PAYLOAD_TYPE:
        findings.tallies[Tally.UNAUTHENTICATED] += 1
        return False
    if u32_at(data, SESSION_AT) != row.session or u64_at(data, TAG_AT) != row.tag:
        findings.tallies[Tally.MISROUTED] += 1
        return False
    number = u32_at(data, NUMBER_AT)
    if number >= row.sent:
        findings.tallies[Tally.UNAUTHENTICATED] += 1
        return False
    first = row.highest < 0
    if not _is_new(findings, row, number):
        return False
    sent_ns, reflected_ns = u64_at(data, SENT_AT), u64_at(data, REFLECTED_AT)
    _note_times(findings, row, sent_ns, reflected_ns, now_ns, on_schedule_ns)
    _note_healing(findings, row, number, sent_ns, now_ns)
    return bool(first)


@jit
def _is_new(findings: Findings, row: Any, number: int) -> bool:
    """Enter a number into the window; False for one that was there or had been given up."""
    ahead = number - row.highest
    if ahead > 0:
        findings.tallies[Tally.LOST] += advance(row, ahead)
    else:
        if ahead <= -WINDOW_BITS or row.window >> -ahead & 1:
            late = ahead <= -WINDOW_BITS
            findings.tallies[Tally.REORDERED if late else Tally.DUPLICATED] += 1
            return False
        row.window |= 1 << -ahead
        findings.tallies[Tally.REORDERED] += 1
    findings.tallies[Tally.RECEIVED] += 1
    return True


@jit
def advance(row: Any, ahead: int) -> int:
    """Move the window so far, its new end taken for come; how many fell out that never came."""
    lost = max(0, ahead - WINDOW_BITS)
    for _ in range(min(ahead, WINDOW_BITS)):
        lost += 1 - (row.window >> WINDOW_BITS - 1 & 1)
        row.window = row.window << 1 & (1 << WINDOW_BITS) - 1
    row.window |= 1
    row.highest += ahead
    return int(lost)


@jit
def _note_times(
    findings: Findings, row: Any, sent_ns: int, reflected_ns: int, now_ns: int, on_schedule_ns: int
) -> None:
    round_trip = now_ns - sent_ns
    row.promptest_ns = min(row.promptest_ns, round_trip)
    late = round_trip - row.promptest_ns
    note(findings, Sample.ROUND_TRIP, round_trip)
    note(findings, Sample.FRAME_LATENESS, late)
    if row.same_clock:
        note(findings, Sample.ONE_WAY_DELAY, reflected_ns - sent_ns)
        note(findings, Sample.ONE_WAY_DELAY, now_ns - reflected_ns)
    else:
        note(findings, Sample.ONE_WAY_DELAY, round_trip // 2)
    findings.tallies[Tally.ON_SCHEDULE] += late <= on_schedule_ns


@jit
def _note_healing(findings: Findings, row: Any, number: int, sent_ns: int, now_ns: int) -> None:
    """How long nothing came back, less the pauses in speech, in which nothing was due.

    Of one that healed in a pause it is not known when: it may have been before a later fault.
    """
    if row.unanswered_ns:
        without = now_ns - row.unanswered_ns - row.silent_ns
        in_pause = sent_ns >= row.resumed_ns > now_ns - HEALING_NS
        if without >= HEALING_NS and not in_pause:
            note(findings, Sample.HEALING, without)
    # Those behind it were sent later, if there are any.
    row.unanswered_ns = 0 if number + 1 == row.sent else max(row.unanswered_ns, sent_ns)
    row.silent_ns = row.resumed_ns = 0


@jit
def note_sent(row: Any, begins_spurt: bool, now_ns: int) -> None:
    """A packet was sent just now."""
    if not row.unanswered_ns:
        row.unanswered_ns, row.silent_ns, row.resumed_ns = now_ns, 0, 0
    elif begins_spurt:
        row.silent_ns += max(0, now_ns - row.last_sent_ns - row.gap_ns)
        row.resumed_ns = now_ns
    row.last_sent_ns = now_ns
