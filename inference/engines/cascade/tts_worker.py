"""`python -m inference.engines.cascade.tts_worker`: espeak-ng in a process of its own.

Speaks one piece after the other, whoever asked, and gives the audio as it is
made. Ends with its standard input.
"""

import os
import queue
import signal
import sys
import threading
from collections.abc import Callable

import msgspec
import numpy as np
import soxr

from inference.engines.cascade.espeak import Espeak
from inference.engines.cascade.leading_silence import LeadingSilence
from inference.engines.cascade.worker_messages import (
    Kind,
    SpeakRequest,
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
        resampler = soxr.ResampleStream(self._espeak.rate, SAMPLE_RATE, 1, dtype="int16")
        leading = LeadingSilence(self._espeak.rate)

        def give(pcm: bytes, *, last: bool = False) -> bool:
            spoken = leading.strip(np.frombuffer(pcm, np.int16))
            samples = resampler.resample_chunk(spoken, last=last)
            if message.job in self._aborted:
                return False
            if len(samples):
                self._send(message._replace(kind=Kind.AUDIO, payload=samples.tobytes()))
            return True

        self._espeak.speak(msgspec.msgpack.decode(message.payload, type=SpeakRequest), give)
        give(b"", last=True)
        self._send(message._replace(kind=Kind.END, payload=b""))


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
