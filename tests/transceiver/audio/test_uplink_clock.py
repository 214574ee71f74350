"""Pauses, drift and other streams: the clock that a listener's frames are handed on with."""

import random

import pytest

from tests.transceiver.audio.rtp_client import (
    DTX,
    FRAME,
    FRAME_COUNT,
    OPUS,
    PLAIN,
    RATE,
    RED,
    REDUNDANT,
    TONE,
    Client,
    CountedFrames,
    level,
    pcm,
    plain,
    redundant,
)
from transceiver.audio.format import AudioFormat, Codec
from transceiver.audio.live_silence import DTX_MARGIN_S
from transceiver.audio.receiver import AudioFrame, AudioReceiver
from transceiver.rtp.packet import RtpPacket
from transceiver.rtp.reordering import MAX_WAIT_S

HOUR_S = 3600
COMFORT_NOISE = 13
G711 = AudioFormat(Codec.PCMU, payload_type=0, comfort_noise_payload_type=COMFORT_NOISE)


@pytest.mark.parametrize("end", [b"\xf8", b"\xf8\xff"], ids=["1 byte", "2 bytes"])
@pytest.mark.parametrize("red", [False, True])
def test_the_end_of_a_talkspurt_does_not_wait_for_the_next(end: bytes, red: bool) -> None:
    receiver = AudioReceiver(REDUNDANT, RATE)
    stream = redundant([*TONE[:10], end], [1]) if red else plain([*TONE[:10], end])
    frames = [frame for i, each in enumerate(stream) for frame in receiver.receive(each, i * 0.02)]
    spoken = len(pcm(frames)) // 2
    heard_at = 10 * 0.02
    silence = [frame for step in range(1, 20) for frame in receiver.tick(heard_at + step * 0.02)]
    assert spoken == 11 * FRAME
    assert level(silence) == 0
    assert len(pcm(silence)) // 2 >= (19 * 0.02 - DTX_MARGIN_S - 0.021) * RATE


@pytest.mark.parametrize("ppm", [-200, 200])
def test_an_hour_of_speech_on_a_drifting_clock_is_neither_delayed_nor_padded(ppm: int) -> None:
    """The client's 20 ms are not ours; its samples are."""
    client = Client(decoder=CountedFrames())
    count = HOUR_S * 50
    served = 0
    for index in range(count):
        now = index * 0.02 * (1 - ppm * 1e-6)
        while served * 0.02 < now:
            assert client.receiver.tick(served * 0.02) == []
            served += 1
        (frame,) = client.receiver.receive(client.packet(b"speech"), now)
        client.timestamp += 960
        assert frame.position == index * FRAME
        assert frame.waited_s == 0
    assert client.receiver.counts.silence == client.receiver.counts.recovered == 0


@pytest.mark.parametrize("ppm", [-200, 200])
def test_an_hour_of_talk_and_pauses_stays_on_the_clients_clock(ppm: int) -> None:
    """Pauses are given out by our clock before theirs tells their length, over jitter."""
    chance = random.Random(ppm)
    client = Client(decoder=CountedFrames())
    start = client.timestamp
    served = 0
    arrived = 0.0
    leads = []
    while (client.timestamp - start) / 48000 < HOUR_S:
        ends = chance.random() < 0.1
        sent = (client.timestamp - start) / 48000 * (1 - ppm * 1e-6)
        arrived = max(arrived, sent + chance.random() ** 4 * 0.2)
        while served * 0.02 < arrived:
            client.receiver.tick(served * 0.02)
            served += 1
        client.receiver.receive(client.packet(b"\xf8" if ends else b"speech"), arrived)
        client.timestamp += 960
        leads.append(client.receiver.position / RATE - (client.timestamp - start) / 48000)
        if ends:
            client.timestamp += chance.randrange(1, 40) * 480 + chance.randrange(2)
    assert client.receiver.counts.recovered == 0
    assert min(leads) >= -1e-4
    assert max(leads) < 0.3
    assert sum(leads[-1000:]) / 1000 < sum(leads[1000:2000]) / 1000 + 0.02


def test_comfort_noise_announces_a_pause_and_takes_no_time() -> None:
    client = Client(audio_format=G711, decoder=CountedFrames(clock_rate=8000))

    def send(payload_type: int, payload: bytes) -> list[AudioFrame]:
        return client.receiver.receive(client.packet(payload, payload_type), client.now)

    def pass_time(seconds: float) -> list[AudioFrame]:
        silence: list[AudioFrame] = []
        for _ in range(round(seconds * 50)):
            client.now += 0.02
            silence += client.receiver.tick(client.now)
        client.timestamp += round(seconds * 8000)
        return silence

    send(0, b"speech")
    pass_time(0.02)
    assert send(COMFORT_NOISE, b"\x40") == []
    silence = pass_time(0.2)
    assert len(pcm(silence)) // 2 / RATE == pytest.approx(0.2 - DTX_MARGIN_S, abs=0.021)
    rest = send(COMFORT_NOISE, b"\x41")
    assert len(pcm([*silence, *rest])) // 2 == 0.2 * RATE
    pass_time(0.3)
    *_, spoken = send(0, b"speech")
    assert spoken.position == FRAME + 0.5 * RATE
    assert client.receiver.position == 2 * FRAME + 0.5 * RATE


def test_what_is_lost_before_probing_packets_is_still_made_up() -> None:
    client = Client()
    client.send(*TONE[:10])
    client.lose(1)
    client.receiver.receive(client.packet(b"", RED), client.now)
    client.frames += client.receiver.receive(client.packet(b"", RED), client.now)
    client.frames += client.receiver.receive(client.packet(b"", RED), client.now)
    client.send(TONE[11])
    client.frames += client.receiver.tick(client.now + MAX_WAIT_S)
    assert client.receiver.counts.recovered == FRAME_COUNT
    assert client.receiver.counts.silence == 0


def test_a_pause_after_lost_probing_packets_is_silence() -> None:
    client = Client()
    client.send(*TONE[:10])
    client.sequence += 1
    for _ in range(3):
        client.receiver.receive(client.packet(b"", RED), client.now)
    client.send(*TONE[10:20])
    client.advance(0.1)
    client.send(TONE[20])
    assert client.receiver.counts.reordering.lost == 1
    assert client.receiver.counts.recovered == 0
    assert client.receiver.counts.silence == 5 * FRAME_COUNT


def test_a_pause_after_a_stall_is_heard_though_nothing_was_lost() -> None:
    client = Client()
    client.send(*TONE[:10])
    for _ in range(100):
        client.now += 0.01
        client.frames += client.receiver.tick(client.now)
    client.send(*TONE[10:20], DTX)
    assert len(pcm(client.let_pass(0.5))) // 2 >= 0.2 * RATE


def test_what_cannot_be_read_is_made_up_as_if_it_were_lost() -> None:
    client = Client()
    client.send(*TONE[:10], b"\xff\xff\xff", TONE[11])
    assert client.receiver.counts.malformed == 1
    assert client.receiver.counts.recovered == FRAME_COUNT
    assert level(client.frames[-2:-1]) > 3000


def test_another_source_goes_on_where_the_last_one_ended() -> None:
    receiver = AudioReceiver(REDUNDANT, RATE)
    first = redundant(TONE[:10], [1], sequence=500, timestamp=77)
    second = [each._replace(ssrc=2) for each in redundant(TONE[:10], [1], sequence=9, timestamp=5)]
    frames = [
        frame
        for index, each in enumerate([*first, *second])
        for frame in receiver.receive(each, index * 0.02)
    ]
    assert [frame.position for frame in frames] == [index * FRAME for index in range(20)]
    alone = AudioReceiver(PLAIN, RATE)
    once = [frame for each in plain(TONE[:10]) for frame in alone.receive(each, 0.0)]
    assert pcm(frames) == 2 * pcm(once)


def test_a_restarted_sequence_is_another_stream() -> None:
    client = Client()
    client.send(*TONE[:10])
    client.sequence += 30_000
    client.timestamp += 1 << 31
    frames = client.send(*TONE[:10])
    assert [frame.position for frame in frames] == [index * FRAME for index in range(10, 20)]


def test_a_pause_across_the_timestamp_wrap() -> None:
    client = Client(sequence=0xFFFE, timestamp=0xFFFFFFFF - 960)
    client.send(TONE[0], DTX)
    client.let_pass(0.4)
    client.send(TONE[1])
    assert client.receiver.position == round(0.46 * RATE)
    client.assert_unbroken()


def test_a_lost_end_of_a_talkspurt_moves_nothing_after_it() -> None:
    """As Chromium sends pauses: a longer frame each 400 ms, and one of a byte after it."""
    receiver = AudioReceiver(REDUNDANT, RATE)
    for index, each in enumerate(plain(TONE[:10])):
        receiver.receive(each, index * 0.02)
    comfort = RtpPacket(OPUS, 11, (9 + 20) * 960, 1, TONE[11])
    assert receiver.receive(comfort, 29 * 0.02) == []
    frames = receiver.tick(29 * 0.02 + 0.05)
    assert frames[-1].position == 29 * FRAME
    assert receiver.position == 30 * FRAME
