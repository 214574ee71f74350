"""`python -m inference.engines.cascade.asr_worker [LM DICTIONARY]`: pocketsphinx in a process.

Decoding holds the GIL, so it has processes of its own. A session's estimate of its
channel is kept from one utterance to the next, as is whether it comes from a telephone.
Without arguments the general English model is used. Ends with its standard input.
"""

import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import msgspec
import pocketsphinx

from antiphon_proto.audio_block import BYTES_PER_SAMPLE
from inference.engines.cascade.room_tone import RoomTone
from inference.engines.cascade.upper_band import UpperBand
from inference.engines.cascade.worker_messages import (
    Kind,
    Partial,
    Worked,
    WorkerMessage,
    WorkerMessageReader,
)

logger = logging.getLogger(__name__)

SAMPLE_RATE = 16_000
PARTIAL_EVERY_SAMPLES = SAMPLE_RATE // 10
WORKED_EVERY_SAMPLES = SAMPLE_RATE // 2
READ_BYTES = 1 << 16

# The channel that the acoustic model's makers measured: a better start than the
# library's for the first words of a session.
# https://github.com/cmusphinx/pocketsphinx/blob/master/model/en-us/en-us/feat.params
CHANNEL = "41.00,-5.29,-0.12,5.09,2.48,-4.07,-1.37,-1.78,-5.08,-2.05,-6.45,-1.42,1.17"

# Wider than the library's, which are set for tens of thousands of words and prune the right
# one of a few hundred away: docs/decisions/0031-beams-of-the-domain.md.
DOMAIN_BEAMS = {
    "beam": 1e-64,
    "wbeam": 1e-40,
    "pbeam": 1e-64,
    "lpbeam": 1e-50,
    "lponlybeam": 1e-40,
}


def new_decoder(model: Sequence[str]) -> pocketsphinx.Decoder:
    """A decoder for [LM, DICTIONARY], or for general English if `model` is empty.

    The second pass over the whole utterance is left out: the final result would
    come 40 ms later and be no better.
    """
    options = dict(zip(("lm", "dict"), model, strict=False))
    beams = DOMAIN_BEAMS if model else {}
    config = pocketsphinx.Config(
        loglevel="FATAL", cmninit=CHANNEL, fwdflat=False, **options, **beams
    )
    return pocketsphinx.Decoder(config)


@dataclass(slots=True)
class _Stream:
    """A session: what was learned of its channel, and its utterance if it has one."""

    channel: str = CHANNEL
    upper_band: UpperBand = field(default_factory=UpperBand)
    tone: RoomTone = field(default_factory=lambda: RoomTone(SAMPLE_RATE))
    decoder: pocketsphinx.Decoder | None = None
    job: int = 0
    samples: int = 0
    told: int = 0
    """Samples that the last partial covered."""


class AsrWorker:
    """Carries out messages in order, answering through `send`.

    A decoder costs tens of MB with general English, so one is held only while a
    session speaks.
    """

    def __init__(
        self,
        make_decoder: Callable[[], pocketsphinx.Decoder],
        send: Callable[[WorkerMessage], None],
    ) -> None:
        self._make_decoder = make_decoder
        self._send = send
        self._streams: dict[int, _Stream] = {}
        self._idle = [make_decoder()]
        self.decoded_samples = 0
        """Of all streams."""

    def handle(self, message: WorkerMessage) -> None:
        """A stream that is not known is opened: its session outlived a worker."""
        stream = self._streams.setdefault(message.stream, _Stream())
        speaking = stream.decoder is not None and message.job == stream.job
        match message.kind:
            case Kind.CLOSE_STREAM:
                self._stop(stream)
                del self._streams[message.stream]
            case Kind.BEGIN:
                self._begin(stream, message.job)
            case Kind.AUDIO if speaking:
                self._hear(stream, message)
            case Kind.SETTLE if speaking and stream.decoder is not None:
                text = _transcript(stream.decoder)
                self._send(message._replace(kind=Kind.SETTLED, payload=text.encode()))
            case Kind.FINISH if speaking:
                text = self._stop(stream)
                self._send(message._replace(kind=Kind.FINAL, payload=text.encode()))
            case Kind.ABORT if speaking:
                self._stop(stream)

    def _begin(self, stream: _Stream, job: int) -> None:
        self._stop(stream)
        decoder = self._idle.pop() if self._idle else self._make_decoder()
        decoder.set_cmn(stream.channel)
        decoder.start_utt()
        stream.upper_band.begin()
        stream.decoder, stream.job, stream.samples, stream.told = decoder, job, 0, 0

    def _hear(self, stream: _Stream, message: WorkerMessage) -> None:
        if stream.decoder is None or not message.payload:
            return
        speech = stream.tone.mix(stream.upper_band.extend(message.payload))
        if speech:
            stream.decoder.process_raw(speech, False, False)
        samples = len(message.payload) // BYTES_PER_SAMPLE
        self.decoded_samples += samples
        stream.samples += samples
        if stream.samples - stream.told >= PARTIAL_EVERY_SAMPLES:
            stream.told = stream.samples
            partial = Partial(_transcript(stream.decoder), stream.samples)
            payload = msgspec.msgpack.encode(partial)
            self._send(message._replace(kind=Kind.PARTIAL, payload=payload))

    def _stop(self, stream: _Stream) -> str:
        """End the stream's utterance, if it has one; gives its transcript."""
        decoder, stream.decoder = stream.decoder, None
        if decoder is None:
            return ""
        decoder.end_utt()
        stream.channel = decoder.get_cmn(True)
        self._idle.append(decoder)
        return _transcript(decoder)


def _transcript(decoder: pocketsphinx.Decoder) -> str:
    hypothesis = decoder.hyp()
    return "" if hypothesis is None else hypothesis.hypstr


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    model = sys.argv[1:]
    output = sys.stdout.fileno()

    def send(message: WorkerMessage) -> None:
        data = message.encode()
        while data:
            data = data[os.write(output, data) :]

    worker = AsrWorker(lambda: new_decoder(model), send)
    send(WorkerMessage(Kind.READY))
    reader = WorkerMessageReader()
    told_seconds, told_samples = time.process_time(), 0
    while data := os.read(sys.stdin.fileno(), READ_BYTES):
        for message in reader.feed(data):
            worker.handle(message)
        samples = worker.decoded_samples - told_samples
        if samples >= WORKED_EVERY_SAMPLES:
            seconds = time.process_time()
            worked = Worked(seconds - told_seconds, samples)
            send(WorkerMessage(Kind.WORKED, payload=msgspec.msgpack.encode(worked)))
            told_seconds, told_samples = seconds, worker.decoded_samples


if __name__ == "__main__":
    main()
