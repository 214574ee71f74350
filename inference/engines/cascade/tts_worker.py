"""`python -m inference.engines.cascade.tts_worker`: espeak-ng in a process of its own.

Speaks one piece after the other, whoever asked, and gives the audio as it is
made. Ends with its standard input.
"""

import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable

import msgspec
import numpy as np
import soxr

from inference.engines.cascade.espeak import Espeak
from inference.engines.cascade.leading_silence import LeadingSilence
from inference.engines.cascade.speech import SpokenWord
from inference.engines.cascade.word_timings import WordBoundary, WordTimings
from inference.engines.cascade.worker_messages import (
    Kind,
    SpeakRequest,
    Worked,
    WorkerMessage,
    WorkerMessageReader,
)

SAMPLE_RATE = 24_000
READ_BYTES = 1 << 16


class TtsWorker:
    """Carries out jobs in order on one thread; `receive` may be called on another."""

    def __init__(self, espeak: Espeak, send: Callable[[WorkerMessage], None]) -> None:
        self._espeak = espeak
        self._send = send
        self._jobs: queue.SimpleQueue[WorkerMessage] = queue.SimpleQueue()
        self._aborted: set[int] = set()
        self._unfinished: set[int] = set()

    def receive(self, message: WorkerMessage) -> None:
        if message.kind is Kind.SPEAK:
            self._unfinished.add(message.job)
            self._jobs.put(message)
        elif message.kind is Kind.ABORT and message.job in self._unfinished:
            self._aborted.add(message.job)

    def run_next(self) -> None:
        """Wait for a job and speak it."""
        message = self._jobs.get()
        if message.job not in self._aborted:
            self._speak(message)
        self._unfinished.discard(message.job)
        self._aborted.discard(message.job)

    def _speak(self, message: WorkerMessage) -> None:
        began = time.thread_time()
        request = msgspec.msgpack.decode(message.payload, type=SpeakRequest)
        piece = _Piece(request.text, self._espeak.rate)

        def give(pcm: bytes, *, last: bool = False) -> bool:
            samples = piece.convert(pcm, last=last)
            if message.job in self._aborted:
                return False
            if samples:
                self._send(message._replace(kind=Kind.AUDIO, payload=samples))
            return True

        def tell(word: SpokenWord | None) -> None:
            if word is not None and message.job not in self._aborted:
                payload = msgspec.msgpack.encode([word])
                self._send(message._replace(kind=Kind.WORDS, payload=payload))

        self._espeak.speak(request, give, lambda *begun: tell(piece.begin_word(*begun)))
        give(b"", last=True)
        tell(piece.last_word())
        worked = Worked(time.thread_time() - began, piece.samples)
        self._send(message._replace(kind=Kind.WORKED, payload=msgspec.msgpack.encode(worked)))
        self._send(message._replace(kind=Kind.END, payload=b""))


class _Piece:
    """One piece's audio from espeak's rate to ours, and its words' places in it."""

    def __init__(self, text: str, rate: int) -> None:
        self._rate = rate
        self._leading = LeadingSilence(rate)
        self._words = WordTimings(text)
        self._resampler = soxr.ResampleStream(rate, SAMPLE_RATE, 1, dtype="int16")
        self.samples = 0
        """At SAMPLE_RATE, made so far."""

    def convert(self, pcm: bytes, *, last: bool) -> bytes:
        samples = np.frombuffer(pcm, np.int16)
        self._words.hear(samples)
        spoken = self._leading.strip(samples)
        converted = self._resampler.resample_chunk(spoken, last=last)
        self.samples += len(converted)
        return bytes(converted.tobytes())

    def begin_word(self, text_position: int, sample: int) -> SpokenWord | None:
        """The word that ends where another begins."""
        return self._placed(self._words.begin(text_position, sample))

    def last_word(self) -> SpokenWord | None:
        return self._placed(self._words.finish())

    def _placed(self, word: WordBoundary | None) -> SpokenWord | None:
        if word is None:
            return None
        audio_end = max(0, word.sample - self._leading.stripped) * SAMPLE_RATE // self._rate
        return SpokenWord(word.text_end, audio_end)


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    output = sys.stdout.fileno()

    def send(message: WorkerMessage) -> None:
        data = message.encode()
        while data:
            data = data[os.write(output, data) :]

    worker = TtsWorker(Espeak(), send)
    threading.Thread(target=_read, args=(worker,), daemon=True).start()
    send(WorkerMessage(Kind.READY))
    while True:
        worker.run_next()


def _read(worker: TtsWorker) -> None:
    """Feed the worker; end the process, in the middle of a word if need be, with its input."""
    reader = WorkerMessageReader()
    while data := os.read(sys.stdin.fileno(), READ_BYTES):
        for message in reader.feed(data):
            worker.receive(message)
    os._exit(0)


if __name__ == "__main__":
    main()
