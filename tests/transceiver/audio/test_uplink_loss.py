"""What loss, reordering and duplication cost a listener, in virtual time."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.transceiver.audio.rtp_client import (
    FRAME,
    FRAME_COUNT,
    PLAIN,
    RATE,
    REDUNDANT,
    TONE,
    pcm,
    plain,
    redundant,
)
from transceiver.audio.format import AudioFormat
from transceiver.audio.receiver import AudioFrame, AudioReceiver
from transceiver.rtp.packet import RtpPacket

PACKET_S = 0.020
SERVED_EVERY_S = 0.020
MAX_DELAY_S = 0.060


@dataclass
class Listener:
    """Receives packets at their times, and is served between them at a phase of its own."""

    audio_format: AudioFormat
    phase_s: float = 0.010
    frames: list[AudioFrame] = field(default_factory=list)
    delays: list[float] = field(default_factory=list)
    """Of each frame, against its time by the media clock."""

    def hear(self, arrivals: Iterable[tuple[float, RtpPacket]]) -> "Listener":
        self.receiver = AudioReceiver(self.audio_format, RATE)
        served_at = self.phase_s
        for now, packet in sorted(arrivals, key=lambda arrival: arrival[0]):
            while served_at <= now:
                self._take(self.receiver.tick(served_at), served_at)
                served_at += SERVED_EVERY_S
            self._take(self.receiver.receive(packet, now), now)
        return self

    def _take(self, frames: list[AudioFrame], now: float) -> None:
        self.frames += frames
        self.delays += [now - frame.position / RATE for frame in frames]

    @property
    def samples(self) -> int:
        return len(pcm(self.frames)) // 2


def on_time(packets: Sequence[RtpPacket], *lost: int) -> list[tuple[float, RtpPacket]]:
    return [(index * PACKET_S, each) for index, each in enumerate(packets) if index not in lost]


@pytest.fixture(scope="module")
def undamaged() -> bytes:
    return pcm(Listener(PLAIN).hear(on_time(plain(TONE))).frames)


@pytest.mark.parametrize("phase_s", [0.0, 0.001, 0.010, 0.019])
def test_one_lost_packet_costs_60_ms_once_and_nothing_for_good(phase_s: float) -> None:
    listener = Listener(PLAIN, phase_s).hear(on_time(plain(TONE), 50))
    assert max(listener.delays) <= MAX_DELAY_S + 1e-9
    assert sum(delay > 1e-9 for delay in listener.delays) <= 3
    assert max(listener.delays[54:]) <= 1e-9
    assert listener.samples == len(TONE) * FRAME


def test_one_lost_packet_costs_a_packets_time_where_the_next_repeats_it() -> None:
    listener = Listener(REDUNDANT).hear(on_time(redundant(TONE, [1]), 50))
    assert max(listener.delays) <= PACKET_S + 1e-9
    assert sum(delay > 1e-9 for delay in listener.delays) == 1


@pytest.mark.parametrize("blocks", [0, 1, 2, 3])
@pytest.mark.parametrize("burst", range(2, 11))
@pytest.mark.parametrize("start", [(0, 0), (0xFFFF - 52, 0xFFFFFFFF - 51 * 960)])
def test_a_burst_costs_no_more_than_its_length_and_a_wait(
    burst: int, blocks: int, start: tuple[int, int]
) -> None:
    """Also where sequence numbers and timestamps wrap within it."""
    sequence, timestamp = start
    packets = redundant(TONE, range(1, blocks + 1), sequence=sequence, timestamp=timestamp)
    listener = Listener(REDUNDANT).hear(on_time(packets, *range(50, 50 + burst)))

    assert listener.samples == len(TONE) * FRAME
    assert listener.receiver.counts.redundant == min(blocks, burst)
    made_up = listener.receiver.counts.recovered + listener.receiver.counts.silence
    assert made_up == max(0, burst - blocks) * FRAME_COUNT
    assert max(listener.delays) <= burst * PACKET_S + 0.040 + 1e-9
    assert max(listener.delays[-35:]) <= 1e-9


@pytest.mark.parametrize("blocks", [0, 1])
@pytest.mark.parametrize("places", [1, 2])
def test_a_packet_that_others_overtake_is_heard_whole(
    places: int, blocks: int, undamaged: bytes
) -> None:
    arrivals = on_time(redundant(TONE, range(1, blocks + 1)))
    arrivals[50] = (arrivals[50 + places][0] + 0.001, arrivals[50][1])
    listener = Listener(REDUNDANT).hear(arrivals)
    assert pcm(listener.frames) == undamaged
    assert listener.receiver.counts.recovered == 0


def test_packets_in_pairs_that_swapped_are_heard_whole(undamaged: bytes) -> None:
    arrivals = on_time(plain(TONE))
    for index in range(1, len(arrivals) - 1, 2):
        (earlier, first), (later, second) = arrivals[index], arrivals[index + 1]
        arrivals[index], arrivals[index + 1] = (earlier, second), (later, first)
    assert pcm(Listener(PLAIN).hear(arrivals).frames) == undamaged


@pytest.mark.parametrize("after_s", [0.0, 0.001, 0.050, 0.3])
@pytest.mark.parametrize("blocks", [0, 2])
def test_every_packet_twice_is_heard_once(after_s: float, blocks: int, undamaged: bytes) -> None:
    arrivals = on_time(redundant(TONE, range(1, blocks + 1)))
    again = [(at + after_s, packet) for at, packet in arrivals]
    assert pcm(Listener(REDUNDANT).hear([*arrivals, *again]).frames) == undamaged


def test_duplicates_of_what_follows_a_gap_do_not_shorten_the_wait() -> None:
    arrivals = on_time(plain(TONE), 50)
    again = [(at + 0.001, packet) for at, packet in arrivals for _ in range(3)]
    listener = Listener(PLAIN).hear([*arrivals, *again, (51 * PACKET_S + 0.030, plain(TONE)[50])])
    assert listener.receiver.counts.recovered == 0
    assert listener.receiver.counts.reordering.lost == 0


@settings(max_examples=60)
@given(
    seed=st.integers(0, 2**32),
    loss=st.sampled_from([0.0, 0.05, 0.3]),
    distances=st.sampled_from([[], [1], [1, 2], [2], [1, 3]]),
    jitter_s=st.sampled_from([0.0, 0.015, 0.1]),
    phase_s=st.floats(0.0, 0.0199),
)
def test_under_any_loss_and_jitter_time_is_whole_and_what_reached_in_time_is_exact(
    seed: int, loss: float, distances: list[int], jitter_s: float, phase_s: float
) -> None:
    chance = random.Random(seed)
    packets = redundant(TONE, distances)
    kept = {0, len(packets) - 1} | {i for i in range(len(packets)) if chance.random() >= loss}
    arrivals = [
        (at + (chance.random() * jitter_s if index > 0 else 0), packet)
        for index, (at, packet) in enumerate(on_time(packets))
        if index in kept
    ]
    end = max(at for at, _packet in arrivals)
    listener = Listener(REDUNDANT, phase_s).hear(arrivals)
    # Nothing follows the last packets; serving goes on.
    for step in range(1, 5):
        listener._take(listener.receiver.tick(end + 0.02 * step), end + 0.02 * step)

    position = 0
    for frame in listener.frames:
        assert frame.position == position
        position += len(frame.pcm) // 2
    assert position >= len(TONE) * FRAME
    if jitter_s == 0.0:
        repeated = {index - back for index in kept for back in distances if index >= back}
        lost = set(range(len(TONE))) - kept
        assert listener.receiver.counts.redundant == len(lost & repeated)
