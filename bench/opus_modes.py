"""What the ways to code and protect the agent's voice cost and give: `python -m bench.opus_modes`.

Spoken sentences at 24 kHz go through the product's encoder and sender, over a path that loses
packets at random, to its receiver. PESQ-WB, from 1 to 4.6, compares what it made of them with
what was spoken. Takes about a minute; `pip install antiphon[bench]`.
"""

import random
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import soxr
from pesq import PesqError, pesq

from antiphon.wav import RATE as SPEECH_RATE
from antiphon.wav import Samples
from bench.figures import publish
from bench.loss.channel import Pattern, lost
from bench.loss.speech import sentences
from bench.tables import Table, as_text
from transceiver.audio.format import AudioFormat, Codec
from transceiver.audio.libopus import library
from transceiver.audio.opus import OpusDecoder, OpusEncoder
from transceiver.audio.opus_mode import OpusMode
from transceiver.audio.receiver import AudioReceiver
from transceiver.rtp.packet import RtpPacket
from transceiver.rtp.sender import RtpSender

RATE = 24000
FRAME_BYTES = RATE // 50 * 2
PESQ_RATE = 16000
SENTENCES = 8
LOSSES = (0.0, 0.01, 0.03, 0.05, 0.1, 0.2)
PATHS = 3
"""With each loss; the score is their mean."""
RUNS = 5
"""The fastest one's time is given."""
SWITCH_EVERY = 50
"""Frames, where modes take turns."""
CONCEALED_FRAMES = 25

FORMAT = AudioFormat(Codec.OPUS, payload_type=111, red_payload_type=63)


@dataclass(frozen=True, slots=True)
class Way:
    """How frames are coded and sent."""

    name: str
    mode: OpusMode
    fec: bool = False
    redundancy: int = 0

    def encoder(self, loss: float) -> OpusEncoder:
        """One that knows the loss that is to come."""
        encoder = OpusEncoder(RATE)
        encoder.adapt(self.mode, max(loss, 0.01) if self.fec else 0.0)
        return encoder


WAYS = (
    Way("voip", OpusMode.VOIP),
    Way("voip.fec", OpusMode.VOIP, fec=True),
    Way("voip.red1", OpusMode.VOIP, redundancy=1),
    Way("voip.red2", OpusMode.VOIP, redundancy=2),
    Way("celt", OpusMode.CELT),
    Way("celt.red1", OpusMode.CELT, redundancy=1),
    Way("celt_halved.red1", OpusMode.CELT_HALVED, redundancy=1),
    Way("celt_halved.red2", OpusMode.CELT_HALVED, redundancy=2),
)


class Speech:
    """What the agent says, and how well it is heard."""

    def __init__(self) -> None:
        pieces = [sentence.samples for sentence in sentences(SENTENCES)]
        spoken = np.concatenate(pieces)
        ends = np.cumsum([len(piece) for piece in pieces[:-1]])
        self.sentence_starts = {round(end / SPEECH_RATE * 50) for end in ends}
        """The frames in the pauses between sentences."""
        pcm = _resampled(spoken, SPEECH_RATE, RATE).tobytes()
        self.frames = [
            pcm[start : start + FRAME_BYTES]
            for start in range(0, len(pcm) - FRAME_BYTES + 1, FRAME_BYTES)
        ]
        self._reference = _resampled(spoken, SPEECH_RATE, PESQ_RATE)

    def score(self, heard: Samples) -> float:
        size = min(len(heard), len(self._reference))
        return float(
            pesq(
                PESQ_RATE,
                self._reference[:size],
                heard[:size],
                "wb",
                on_error=PesqError.RETURN_VALUES,
            )
        )


def _resampled(samples: Samples, rate: int, to_rate: int) -> Samples:
    return soxr.resample(samples, rate, to_rate).astype("<i2")


def sent(payloads: list[bytes], redundancy: int) -> list[RtpPacket]:
    sender = RtpSender(
        payload_type=FORMAT.payload_type,
        ssrc=1,
        sequence=0,
        timestamp=0,
        red_payload_type=FORMAT.red_payload_type,
    )
    sender.redundancy = redundancy
    return [RtpPacket.parse(sender.send(payload)) for payload in payloads]


def heard(packets: list[RtpPacket], gone: set[int]) -> Samples:
    receiver = AudioReceiver(FORMAT, PESQ_RATE)
    pcm = bytearray()
    for place, packet in enumerate(packets):
        now = place * 0.02
        if place not in gone:
            pcm += b"".join(frame.pcm for frame in receiver.receive(packet, now))
        pcm += b"".join(frame.pcm for frame in receiver.tick(now + 0.01))
    return np.frombuffer(pcm, "<i2")


def encode_seconds(way: Way, frames: list[bytes], loss: float) -> float:
    """CPU time a frame."""
    fastest = float("inf")
    for _ in range(RUNS):
        encoder = way.encoder(loss)
        start = time.process_time()
        for frame in frames:
            encoder.encode(frame)
        fastest = min(fastest, time.process_time() - start)
    return fastest / len(frames)


def way_figures(way: Way, speech: Speech) -> Iterator[tuple[str, float]]:
    """`NAME.encode_us`, `NAME.kbit_s` with 5 % loss, and `NAME.pesq.LOSS`."""
    yield f"{way.name}.encode_us", round(encode_seconds(way, speech.frames, 0.05) * 1e6, 1)
    for loss in LOSSES:
        encoder = way.encoder(loss)
        packets = sent([encoder.encode(frame) for frame in speech.frames], way.redundancy)
        if loss == 0.05:
            bits = 8 * sum(len(packet.payload) for packet in packets)
            yield f"{way.name}.kbit_s", round(bits / (len(packets) * 20), 1)
        chance = random.Random(1)
        paths = [
            lost(Pattern.RANDOM, loss, len(packets), chance) for _ in range(PATHS if loss else 1)
        ]
        scores = [speech.score(heard(packets, gone)) for gone in paths]
        yield f"{way.name}.pesq.{round(100 * loss)}", round(statistics.mean(scores), 2)


def switching_figures(speech: Speech) -> Iterator[tuple[str, float]]:
    """PESQ when VOIP and CELT take turns every second, by `adapt` and by another encoder."""
    for name, fresh in ("adapted", False), ("remade", True):
        encoder = OpusEncoder(RATE)
        payloads = []
        for place, frame in enumerate(speech.frames):
            if place % SWITCH_EVERY == 0:
                encoder = OpusEncoder(RATE) if fresh else encoder
                encoder.adapt((OpusMode.VOIP, OpusMode.CELT)[place // SWITCH_EVERY % 2], 0.0)
            payloads.append(encoder.encode(frame))
        yield f"switching.{name}.pesq", round(speech.score(heard(sent(payloads, 0), set())), 2)


def talkspurt_figures(speech: Speech) -> Iterator[tuple[str, float]]:
    """PESQ of sentences with silence between them, by one encoder, or a fresh one for each.

    The decoder conceals until it is silent, as a client's does when nothing comes.
    """
    for mode in OpusMode.VOIP, OpusMode.CELT:
        for name, fresh in ("kept", False), ("fresh", True):
            encoder, decoder = OpusEncoder(RATE), OpusDecoder(PESQ_RATE)
            encoder.adapt(mode, 0.0)
            pcm = bytearray()
            for place, frame in enumerate(speech.frames):
                if place in speech.sentence_starts:
                    encoder = OpusEncoder(RATE) if fresh else encoder
                    encoder.adapt(mode, 0.0)
                    for _ in range(CONCEALED_FRAMES):
                        decoder.conceal(PESQ_RATE // 50)
                pcm += decoder.decode(encoder.encode(frame))
            score = speech.score(np.frombuffer(pcm, "<i2"))
            yield f"talkspurts.{mode.value}.{name}.pesq", round(score, 2)


def way_table(figures: dict[str, float | str]) -> Table:
    head = ["way", "us a frame", "kbit/s", *(f"{loss:.0%}" for loss in LOSSES)]
    keys = ["encode_us", "kbit_s", *(f"pesq.{round(100 * loss)}" for loss in LOSSES)]
    return [
        head,
        *([way.name, *(str(figures[f"{way.name}.{key}"]) for key in keys)] for way in WAYS),
    ]


def main() -> None:
    speech = Speech()
    figures: dict[str, float | str] = {
        "encoder_bytes": float(library().opus_encoder_get_size(1)),
        "decoder_bytes": float(library().opus_decoder_get_size(1)),
        "speech_seconds": len(speech.frames) / 50,
    }
    for way in WAYS:
        figures.update(way_figures(way, speech))
    figures.update(switching_figures(speech))
    figures.update(talkspurt_figures(speech))
    publish("opus_modes", figures)
    print("\n" + as_text(way_table(figures)))


if __name__ == "__main__":
    main()
