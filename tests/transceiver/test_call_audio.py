"""Both directions of a call's sound, at the rates that the engine asked for."""

import math
import struct

import pytest

from transceiver.audio.codec_factory import make_decoder
from transceiver.audio.counts import AudioCounts
from transceiver.audio.downlink_counts import DownlinkCounts
from transceiver.audio.encoder_policy import EncoderPolicy, OpusChoice
from transceiver.audio.format import AudioFormat, Codec
from transceiver.audio.opus import OpusDecoder, OpusEncoder
from transceiver.call_audio import CallAudio
from transceiver.rtp.packet import RtpPacket
from transceiver.rtp.sender import RtpSender

PAYLOAD_TYPE = 111
FRAME_S = 0.020


def call_audio(
    input_rate: int = 16_000,
    output_rate: int = 24_000,
    *,
    codec: Codec = Codec.OPUS,
    frame_ms: int = 20,
    comfort_noise_payload_type: int | None = None,
) -> CallAudio:
    format_ = AudioFormat(
        codec,
        PAYLOAD_TYPE,
        comfort_noise_payload_type=comfort_noise_payload_type,
        frame_ms=frame_ms,
    )
    sender = RtpSender(
        payload_type=PAYLOAD_TYPE,
        ssrc=1,
        sequence=0,
        timestamp=0,
        clock_rate=codec.clock_rate,
        frame_ms=frame_ms,
    )
    return CallAudio(
        format_,
        input_rate=input_rate,
        output_rate=output_rate,
        sender=sender,
        encoder_policy=EncoderPolicy(OpusChoice.AUTO, lambda: 0.0),
        counts=AudioCounts(),
        downlink_counts=DownlinkCounts(),
    )


def tone(rate: int, seconds: float) -> bytes:
    samples = (
        int(8000 * math.sin(2 * math.pi * 440 * i / rate)) for i in range(int(rate * seconds))
    )
    return b"".join(struct.pack("<h", sample) for sample in samples)


def loudest(pcm: bytes) -> int:
    return max(abs(sample) for (sample,) in struct.iter_unpack("<h", pcm))


def test_the_clients_opus_arrives_at_the_input_rate() -> None:
    audio = call_audio()
    encoder = OpusEncoder(48_000)
    speech = tone(48_000, 0.2)
    frames = []
    for index in range(10):
        payload = encoder.encode(speech[index * 1920 : (index + 1) * 1920])
        packet = RtpPacket(PAYLOAD_TYPE, index, index * 960, 5, payload, False)
        frames += audio.receive(packet, index * FRAME_S)
    assert [frame.position for frame in frames] == [320 * index for index in range(10)]
    assert loudest(frames[-1].pcm) > 4000


def test_the_agents_speech_leaves_as_a_packet_every_20_ms() -> None:
    audio = call_audio()
    audio.playout.push(1, tone(24_000, 0.2))
    times = [now for now in (index * 0.01 for index in range(30)) if audio.next_packet(now)]
    assert [round(time, 2) for time in times] == [round(0.02 * index, 2) for index in range(10)]


@pytest.mark.parametrize("codec", Codec)
@pytest.mark.parametrize(("frame_ms", "packets"), [(10, 24), (20, 12), (40, 6), (60, 4)])
def test_packets_are_as_long_as_agreed(codec: Codec, frame_ms: int, packets: int) -> None:
    audio = call_audio(codec=codec, frame_ms=frame_ms)
    audio.playout.push(1, tone(24_000, 0.24))
    served = (index * 0.01 for index in range(40))
    sent = [(now, packet) for now in served if (packet := audio.next_packet(now))]
    assert [round(1000 * now) for now, _ in sent] == [frame_ms * index for index in range(packets)]
    ticks = codec.clock_rate * frame_ms // 1000
    timestamps = [RtpPacket.parse(packet).timestamp for _, packet in sent]
    assert timestamps == [ticks * index for index in range(packets)]
    assert audio.playout.played_ms(1) == 240


def test_silence_costs_no_packet_but_time_passes_in_the_stream() -> None:
    audio = call_audio()
    assert all(audio.next_packet(index * FRAME_S) is None for index in range(5))
    audio.playout.push(1, tone(24_000, 0.02))
    packet = audio.next_packet(5 * FRAME_S)
    assert packet is not None
    parsed = RtpPacket.parse(packet)
    assert (parsed.timestamp, parsed.marker) == (5 * 960, True)
    assert loudest(OpusDecoder(24_000).decode(parsed.payload)) > 500


def pause(audio: CallAudio, start: int, frames: int) -> list[tuple[int, RtpPacket]]:
    """What is sent while the agent is silent, with the numbers of the frames."""
    served = ((index, audio.next_packet(index * FRAME_S)) for index in range(start, start + frames))
    return [(index, RtpPacket.parse(packet)) for index, packet in served if packet]


def test_a_telephone_hears_before_anything_is_said_and_that_a_pause_begins() -> None:
    audio = call_audio(codec=Codec.PCMU, comfort_noise_payload_type=13)
    noise = [(index, packet.payload_type) for index, packet in pause(audio, 0, 1000)]
    assert noise == [(0, 13), (750, 13)]
    audio.playout.push(1, tone(24_000, 0.02))
    audio.playout.finish(1)
    sent = pause(audio, 1000, 800)
    assert [(index, packet.payload_type) for index, packet in sent] == [
        (1000, PAYLOAD_TYPE),
        (1001, 13),
        (1751, 13),
    ]
    assert [packet.timestamp for _, packet in sent] == [160 * index for index, _ in sent]
    assert [packet.sequence for _, packet in sent] == [2, 3, 4]
    assert [packet.marker for _, packet in sent] == [True, False, False]
    assert sent[1][1].payload == bytes([70])


@pytest.mark.parametrize(
    ("codec", "frames"), [(Codec.PCMU, [0, 750]), (Codec.PCMA, [0, 750]), (Codec.OPUS, [749])]
)
def test_a_long_pause_is_no_dead_line_without_comfort_noise(
    codec: Codec, frames: list[int]
) -> None:
    audio = call_audio(codec=codec)
    sent = pause(audio, 0, 800)
    assert [index for index, _ in sent] == frames
    decoder = make_decoder(AudioFormat(codec, PAYLOAD_TYPE), 24_000)
    for _, packet in sent:
        assert decoder.duration(packet.payload) == 480
        assert loudest(decoder.decode(packet.payload)) < 10


def test_nothing_is_sent_while_the_client_holds_the_call() -> None:
    audio = call_audio(codec=Codec.PCMA, comfort_noise_payload_type=13)
    assert not any(audio.next_packet(index * FRAME_S, audible=False) for index in range(800))


def test_frames_whose_time_went_by_are_silence_in_the_stream() -> None:
    audio = call_audio()
    audio.playout.push(1, tone(24_000, 2.0))
    first, second = audio.next_packet(0.0), audio.next_packet(1.0)
    assert first is not None
    assert second is not None
    before, after = RtpPacket.parse(first), RtpPacket.parse(second)
    assert (after.timestamp - before.timestamp, after.marker) == (50 * 960, True)
    assert after.sequence == before.sequence + 1
    assert audio.next_packet(1.01) is None
    assert audio.playout.played_ms(1) == 40


def test_another_format_loses_nothing_of_what_was_heard_or_is_to_be_said() -> None:
    audio = call_audio()
    audio.playout.push(1, tone(24_000, 0.4))
    audio.playout.finish(1)
    encoder = OpusEncoder(48_000)
    for index in range(5):
        payload = encoder.encode(tone(48_000, FRAME_S))
        audio.receive(
            RtpPacket(PAYLOAD_TYPE, index, index * 960, 5, payload, False), index * FRAME_S
        )
        assert audio.next_packet(index * FRAME_S)
    sender = RtpSender(
        payload_type=8, ssrc=2, sequence=7, timestamp=9, clock_rate=8000, frame_ms=40
    )
    audio.change_format(AudioFormat(Codec.PCMA, 8, frame_ms=40), sender)
    [frame] = audio.receive(RtpPacket(8, 900, 5_000, 6, b"\xd5" * 160, True), 0.1)
    assert frame.position == 5 * 320
    packets = [audio.next_packet(0.1 + index * FRAME_S) for index in range(20)]
    sent = [RtpPacket.parse(packet) for packet in packets if packet]
    assert [(packet.payload_type, packet.ssrc, len(packet.payload)) for packet in sent] == [
        (8, 2, 320)
    ] * 8
