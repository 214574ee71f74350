"""Streams of real Opus packets through loss, reordering and silence, on a virtual clock."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.transceiver.audio.rtp_client import (
    DTX,
    FRAME,
    FRAME_COUNT,
    OPUS,
    RATE,
    TONE,
    Client,
    level,
)
from transceiver.audio.counts import COUNT_RATE
from transceiver.audio.live_silence import CLOCK_SLACK_S, DTX_MARGIN_S, MAX_S, STALL_MARGIN_S
from transceiver.audio.opus import OpusEncoder
from transceiver.audio.receiver import MAX_REPAIR_S, AudioFrame
from transceiver.rtp.packet import RtpPacket


def test_each_packet_in_order_gives_its_audio_at_once() -> None:
    client = Client()
    for index, payload in enumerate(TONE):
        (frame,) = client.send(payload)
        assert frame.position == index * FRAME
        assert len(frame.pcm) == FRAME * 2
        assert frame.waited_s == 0.0
    assert level(client.frames[5:]) > 4000
    assert client.receiver.position == len(TONE) * FRAME


def test_packets_of_60_ms() -> None:
    encoder = OpusEncoder(RATE)
    pcm = bytes(FRAME * 2 * 3)
    client = Client()
    for index in range(3):
        client.frames += client.receiver.receive(client.packet(encoder.encode(pcm)), client.now)
        client.advance(0.06)
        assert client.frames[index].position == index * 3 * FRAME
    assert client.receiver.counts.silence == 0


def test_reordered_packets_come_out_in_order_and_tell_their_wait() -> None:
    client = Client()
    client.send(TONE[0])
    late = client.packet(TONE[1])
    client.advance()
    assert client.send(TONE[2]) == []
    client.now += 0.005
    frames = client.receiver.receive(late, client.now)
    assert [frame.position for frame in frames] == [FRAME, 2 * FRAME]
    assert [frame.waited_s for frame in frames] == pytest.approx([0.0, 0.025])
    assert client.receiver.counts.recovered == 0


def test_a_lost_packet_is_made_up_from_the_next_after_40_ms() -> None:
    client = Client()
    client.send(*TONE[:10])
    client.lose(1)
    assert client.send(TONE[11]) == []
    assert client.let_pass(0.01) == []
    repaired, following = client.let_pass(0.03)
    assert (repaired.position, following.position) == (10 * FRAME, 11 * FRAME)
    assert 0.039 <= repaired.waited_s <= 0.051
    assert level([repaired]) > 3000
    assert client.receiver.counts.recovered == FRAME_COUNT
    client.assert_unbroken()


def test_a_run_of_lost_packets_is_made_up_whole_while_it_is_short() -> None:
    client = Client()
    client.send(*TONE[:10])
    client.lose(4)
    client.send(*TONE[14:20])
    assert client.receiver.counts.recovered == 4 * FRAME_COUNT
    assert client.receiver.counts.silence == 0
    assert client.receiver.position == 20 * FRAME
    client.assert_unbroken()


def test_a_long_outage_fades_into_silence() -> None:
    client = Client()
    client.send(*TONE[:10])
    client.lose(20)
    client.send(*TONE[30:40])
    head, last = round(MAX_REPAIR_S * 50), 1
    assert client.receiver.counts.recovered == (head + last) * FRAME_COUNT
    assert client.receiver.counts.silence == (20 - head - last) * FRAME_COUNT
    levels = [level([frame]) for frame in client.frames[10:]]
    assert levels[0] > 1000
    assert max(levels[1 : 20 - head]) == 0
    assert client.receiver.position == 40 * FRAME
    client.assert_unbroken()


def test_what_was_heard_as_silence_is_not_followed_by_a_guess_at_what_was_before_it() -> None:
    client = Client()
    client.send(*TONE[:10])
    client.lose(1)
    client.let_pass(1.0)
    client.sequence += 50
    before = client.receiver.counts.recovered
    client.send(*TONE[60:70])
    assert client.receiver.counts.recovered - before == FRAME_COUNT
    client.assert_unbroken()


def test_a_loss_at_the_sequence_and_timestamp_wrap() -> None:
    client = Client(sequence=65533, timestamp=2**32 - 3 * 960)
    client.send(*TONE[:3])
    client.lose(1)
    client.send(*TONE[4:10])
    assert client.receiver.counts.recovered == FRAME_COUNT
    assert client.receiver.position == 10 * FRAME
    client.assert_unbroken()


class TestSilence:
    def test_a_gap_in_timestamps_alone_is_silence_of_its_length(self) -> None:
        client = Client()
        client.send(*TONE[:5])
        client.advance(0.4)
        frames = client.send(TONE[5])
        assert [len(frame.pcm) for frame in frames] == [FRAME * 2] * 21
        assert level(frames[:-1]) == 0
        assert frames[-1].position == 25 * FRAME
        client.assert_unbroken()

    def test_after_a_dtx_frame_silence_passes_without_the_next_packet(self) -> None:
        client = Client()
        client.send(*TONE[:5], DTX)
        silence = client.let_pass(0.36)
        assert level(silence) == 0
        heard_at = client.now - 0.38
        behind = client.now - heard_at - sum(len(f.pcm) for f in silence) / 2 / RATE
        assert DTX_MARGIN_S <= behind <= DTX_MARGIN_S + 0.02
        client.send(TONE[5])
        client.assert_unbroken()
        assert client.receiver.position == (6 + 18 + 1) * FRAME

    def test_packets_that_stop_coming_become_silence_later(self) -> None:
        client = Client()
        client.send(*TONE[:5])
        assert client.let_pass(STALL_MARGIN_S - 0.03) == []
        assert client.let_pass(0.2) != []
        client.send(TONE[5])
        client.assert_unbroken()

    def test_late_packets_after_live_silence_keep_their_audio(self) -> None:
        client = Client()
        client.send(*TONE[:5])
        before = client.receiver.position
        for _ in range(100):
            client.now += 0.01
            client.frames += client.receiver.tick(client.now)
        given = client.receiver.position - before
        assert given > 0
        client.send(*TONE[5:15])
        assert client.receiver.position == before + given + 10 * FRAME
        client.assert_unbroken()

    def test_before_the_first_packet_there_is_no_clock(self) -> None:
        client = Client()
        assert client.let_pass(2.0) == []

    @pytest.mark.parametrize("ticking", [True, False])
    def test_a_long_pause_is_capped_and_the_clock_jumps_over_the_rest(self, ticking: bool) -> None:
        client = Client()
        client.send(*TONE[:5], DTX)
        if ticking:
            client.let_pass(60)
        else:
            client.advance(60)
        client.send(TONE[5])
        assert client.receiver.counts.silence == MAX_S * COUNT_RATE
        assert client.frames[-1].position == pytest.approx(60.12 * RATE, abs=1)

    def test_a_timestamp_that_jumps_beyond_the_time_passed_does_not_move_the_clock(self) -> None:
        client = Client()
        client.send(*TONE[:5])
        client.timestamp += 48000 * 3600
        client.send(TONE[5])
        assert client.receiver.position <= 6 * FRAME + (CLOCK_SLACK_S + 0.1) * RATE

    def test_a_timestamp_that_jumps_back_is_taken_as_contiguous(self) -> None:
        client = Client()
        client.send(*TONE[:5])
        client.timestamp -= 48000 * 5
        client.send(*TONE[5:10])
        assert client.receiver.position == 10 * FRAME
        assert client.receiver.counts.silence == 0


def test_probing_packets_without_payload_are_passed_over() -> None:
    """Chromium sends two dozen of them, which repeat the timestamp and use up sequence numbers."""
    client = Client()
    client.send(*TONE[:5])
    for _ in range(24):
        client.frames += client.receiver.receive(client.packet(b"", 63), client.now)
    client.send(*TONE[5:10])
    assert client.receiver.position == 10 * FRAME
    assert client.receiver.counts.silence == 0


def test_other_payload_types_keep_the_sequence_whole() -> None:
    client = Client()
    client.send(*TONE[:5])
    assert client.receiver.receive(client.packet(b"\x01\x0a\x00\xa0", 110), client.now) == []
    (frame,) = client.send(TONE[5])
    assert frame.position == 5 * FRAME
    assert client.receiver.counts.reordering.lost == 0


def test_a_change_of_ssrc_goes_on_without_a_gap() -> None:
    client = Client()
    client.send(*TONE[:5])
    client.ssrc, client.sequence, client.timestamp = 2, 7, 123456789
    (frame,) = client.send(TONE[0])
    assert frame.position == 5 * FRAME
    client.send(*TONE[1:5])
    client.assert_unbroken()


def test_a_malformed_packet_is_counted_and_becomes_silence() -> None:
    client = Client()
    client.send(*TONE[:5], b"\xff\xff\xff", *TONE[6:8])
    assert client.receiver.counts.malformed == 1
    assert client.receiver.position == 8 * FRAME
    client.assert_unbroken()


@settings(max_examples=50)
@given(st.integers(0, 2**32), st.sampled_from([0.0, 0.05, 0.3]))
def test_under_any_loss_and_jitter_the_clock_is_unbroken_and_the_clients(
    seed: int, loss: float
) -> None:
    chance = random.Random(seed)
    client = Client()
    arrivals = []
    for index, payload in enumerate(TONE):
        packet = client.packet(payload)
        if index == 0 or chance.random() >= loss:
            arrivals.append((client.now + chance.random() * 0.03, index, packet))
        client.advance()
    frames: list[AudioFrame] = []
    arrivals.sort()
    steps = iter(arrivals)
    pending = next(steps, None)
    for step in range(230):
        now = step * 0.01
        while pending is not None and pending[0] <= now:
            frames += client.receiver.receive(pending[2], pending[0])
            pending = next(steps, None)
        frames += client.receiver.tick(now)
    client.frames = frames
    client.assert_unbroken()
    last = max(index for _, index, _ in arrivals)
    assert client.receiver.position >= (last + 1 - arrivals[0][1]) * FRAME


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 2**32 - 1), st.binary(max_size=60))))
def test_any_packets_keep_the_clock_unbroken(packets: list[tuple[int, int, bytes]]) -> None:
    client = Client()
    for sequence, timestamp, payload in packets:
        client.now += 0.02
        packet = RtpPacket(OPUS, sequence, timestamp, 1, payload)
        frames = client.receiver.receive(packet, client.now) + client.receiver.tick(client.now)
        client.frames += frames
        assert client.receiver.position <= (client.now + CLOCK_SLACK_S + 1) * RATE * 4
    positions = [frame.position for frame in client.frames]
    assert positions == sorted(positions)
