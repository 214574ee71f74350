"""Microphones that are muted and opened again, through libopus, held to full decoding."""

import numpy as np
import pytest

from transceiver.audio.codec import AudioCodecError
from transceiver.audio.counts import AudioCounts
from transceiver.audio.format import AudioFormat, Codec, HeaderExtensionIds, OpusPreferences
from transceiver.audio.opus import OpusDecoder, OpusEncoder
from transceiver.audio.opus_mode import OpusMode
from transceiver.audio.receiver import AudioReceiver
from transceiver.audio.skipping_decoder import PROOF_PERIOD, QUIET_PEAK, SkippingDecoder
from transceiver.rtp.packet import RtpPacket
from transceiver.rtp.red import RedBlock, encode_red

RATE = 24000
OPUS, RED = 111, 63
ID = 1
SAID = bytes.fromhex("bede0001 10a20000")
MUTED = bytes.fromhex("bede0001 10ff0000")

Packet = tuple[bytes, bytes]
"""A payload and its header extension."""


def microphone(*spans: tuple[str, int], frame_ms: int = 20, bitrate: int = 32000) -> list[Packet]:
    """Packets of spans of "sound" or "muted", each of so many packets."""
    encoder = OpusEncoder(RATE, OpusPreferences(in_band_fec=True, max_bitrate=bitrate))
    encoder.adapt(OpusMode.CELT if bitrate > 32000 else OpusMode.VOIP, 0.1)
    frame = RATE * frame_ms // 1000
    total = frame * sum(count for _kind, count in spans)
    time = np.arange(total) / RATE
    wave = 6000 * np.sin(700 * time + 20 * np.sin(9 * time)) * (1 + np.sin(25 * time)) / 2
    wave += np.random.default_rng(1).normal(0, 40, total)
    kinds = [kind for kind, count in spans for _ in range(count)]
    packets = []
    for place, kind in enumerate(kinds):
        sound = wave[place * frame : (place + 1) * frame] * (kind == "sound")
        payload = encoder.encode(sound.astype("<i2").tobytes())
        packets.append((payload, SAID if kind == "sound" else MUTED))
    return packets


class Skipping:
    def __init__(self, level_id: int | None = ID) -> None:
        self.counts = AudioCounts()
        self.decoder = SkippingDecoder(OpusDecoder(RATE), level_id, self.counts)

    def play(self, packets: list[Packet]) -> list[np.ndarray]:
        return [samples(self.decoder.decode(*packet)) for packet in packets]


def samples(pcm: bytes) -> np.ndarray:
    return np.frombuffer(pcm, "<i2").astype(int)


def decoded(packets: list[Packet]) -> list[np.ndarray]:
    decoder = OpusDecoder(RATE)
    return [samples(decoder.decode(payload)) for payload, _extension in packets]


def worst_difference(ours: list[np.ndarray], theirs: list[np.ndarray]) -> int:
    return max(int(np.abs(a - b).max()) for a, b in zip(ours, theirs, strict=True))


@pytest.mark.parametrize("frame_ms", [10, 20, 40, 60])
@pytest.mark.parametrize("bitrate", [12000, 32000, 64000])
def test_what_follows_silence_comes_out_as_if_nothing_had_been_skipped(
    frame_ms: int, bitrate: int
) -> None:
    spans = [("sound", 30), ("muted", 61), ("sound", 20), ("muted", 30), ("sound", 30)]
    packets = microphone(*spans, frame_ms=frame_ms, bitrate=bitrate)
    skipping = Skipping()
    ours, theirs = skipping.play(packets), decoded(packets)
    assert skipping.counts.silent > 60
    assert worst_difference(ours, theirs) <= QUIET_PEAK
    sound = [place for place, packet in enumerate(packets) if packet[1] == SAID]
    assert worst_difference([ours[i] for i in sound], [theirs[i] for i in sound]) == 0


def test_the_tail_of_what_was_said_is_heard() -> None:
    packets = microphone(("sound", 30), ("muted", 20))
    ours = Skipping().play(packets)
    assert np.abs(ours[30]).max() > 100


def test_muting_saves_nearly_all_decoding() -> None:
    packets = microphone(("muted", 1000))
    skipping = Skipping()
    skipping.play(packets)
    proofs = 1000 // PROOF_PERIOD
    assert skipping.counts.silent >= 1000 - proofs - 1


@pytest.mark.parametrize(
    ("level_id", "extension"),
    [(None, MUTED), (2, MUTED), (ID, b""), (ID, bytes.fromhex("bede0001 10fe0000"))],
    ids=["not negotiated", "another's id", "no extension", "a level above silence"],
)
def test_what_is_not_said_to_be_silent_is_decoded(level_id: int | None, extension: bytes) -> None:
    skipping = Skipping(level_id)
    skipping.play([(payload, extension) for payload, _ in microphone(("muted", 40))])
    assert skipping.counts.silent == 0


def test_a_sender_that_says_it_of_sound_is_not_believed() -> None:
    packets = microphone(("sound", 60))
    skipping = Skipping()
    ours = skipping.play([(payload, MUTED) for payload, _ in packets])
    assert skipping.counts.silent == 0
    assert worst_difference(ours, decoded(packets)) == 0


def test_a_sender_that_says_it_always_is_found_out_soon_and_for_good() -> None:
    packets = microphone(("muted", 40), ("sound", 60), ("muted", 40), ("sound", 60))
    skipping = Skipping()
    ours = skipping.play([(payload, MUTED) for payload, _ in packets])
    before = skipping.counts.silent
    assert before < 40 + PROOF_PERIOD
    found_out = 40 + PROOF_PERIOD
    assert worst_difference(ours[found_out:], decoded(packets)[found_out:]) == 0
    assert skipping.counts.silent == before


def test_what_is_lost_after_silence_is_repaired_as_without_it() -> None:
    packets = microphone(("sound", 30), ("muted", 30), ("sound", 10))
    skipping, plain = Skipping(), OpusDecoder(RATE)
    skipping.play(packets[:60])
    for payload, _extension in packets[:60]:
        plain.decode(payload)
    following, extension = packets[61]
    samples_lost = RATE // 50
    assert skipping.decoder.repair(following, samples_lost) == plain.repair(following, samples_lost)
    assert skipping.decoder.decode(following, extension) == plain.decode(following)


def test_another_stream_starts_without_the_first_ones_silence() -> None:
    first, second = microphone(("muted", 30)), microphone(("sound", 10))
    skipping = Skipping()
    skipping.play(first)
    skipping.decoder.reset()
    assert worst_difference(skipping.play(second), decoded(second)) == 0


def test_a_packet_that_is_not_of_the_codec_raises_also_in_silence() -> None:
    skipping = Skipping()
    skipping.play(microphone(("muted", 10)))
    with pytest.raises(AudioCodecError):
        skipping.decoder.decode(b"\xff", MUTED)
    skipping.play(microphone(("muted", 10), ("sound", 10)))


@pytest.mark.parametrize("redundant", [False, True])
def test_the_receiver_skips_what_its_client_says_is_silent(redundant: bool) -> None:
    extensions = HeaderExtensionIds(audio_level=ID)
    receiver = AudioReceiver(AudioFormat(Codec.OPUS, OPUS, RED, extensions=extensions), RATE)
    packets = microphone(("sound", 20), ("muted", 60), ("sound", 20))
    heard: list[np.ndarray] = []
    for place, (payload, extension) in enumerate(packets):
        payload_type = OPUS
        if redundant:
            earlier = RedBlock(OPUS, 960, packets[place - 1][0]) if place else None
            own = RedBlock(OPUS, 0, payload)
            payload_type, payload = RED, encode_red([earlier, own] if earlier else [own])
        packet = RtpPacket(payload_type, place, 960 * place, 7, payload, extension=extension)
        heard += [samples(frame.pcm) for frame in receiver.receive(packet, 0.02 * place)]
    assert receiver.counts.silent > 50
    assert worst_difference(heard, decoded(packets)) <= QUIET_PEAK
    assert receiver.position == len(packets) * RATE // 50
