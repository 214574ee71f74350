"""Streaming speech recognition, in worker processes that hold many sessions' decoders."""

import asyncio
import itertools
import logging
from collections.abc import Sequence

import msgspec

from antiphon_proto.trunk import Transcription
from inference.engines.cascade.counters import CascadeCounters, WorkerKind
from inference.engines.cascade.speech_recognition import (
    SAMPLE_RATE,
    OnPartial,
    RecognitionError,
)
from inference.engines.cascade.worker_messages import Kind, Partial, Worked, WorkerMessage
from inference.engines.cascade.worker_process import WorkerLostError, WorkerProcess

logger = logging.getLogger(__name__)

FINAL_TIMEOUT_S = 5.0
MAX_BACKLOG_S = 20
"""Speech that the worker has not decoded: beyond it the utterance is given up."""

MAX_UTTERANCE_S = 300
MODULE = "inference.engines.cascade.asr_worker"


class DecodedUtterance:
    """An Utterance whose words a worker decodes while it is spoken."""

    def __init__(
        self, worker: "RecogniserWorker", stream: int, job: int, on_partial: OnPartial
    ) -> None:
        self.partial = ""
        self._worker = worker
        self.stream = stream
        self._job = job
        self._on_partial = on_partial
        self._on_settled: OnPartial = lambda text: None
        self.pushed = 0
        """Samples."""
        self._decoded = 0
        self._final: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._final.add_done_callback(_retrieve)

    @property
    def done(self) -> bool:
        """Whether the transcript is there, or will never be."""
        return self._final.done()

    def begin(self) -> None:
        self._send(Kind.BEGIN)

    def push(self, pcm: bytes) -> None:
        """Add 16 bit samples at SAMPLE_RATE."""
        if self.done or not pcm:
            return
        samples = len(pcm) // 2
        self.pushed += samples
        self._worker.wait_for(samples)
        if self.pushed - self._decoded > MAX_BACKLOG_S * SAMPLE_RATE:
            self.lose("recognition cannot keep up")
        elif self.pushed > MAX_UTTERANCE_S * SAMPLE_RATE:
            self.lose("the utterance is too long")
        else:
            self._send(Kind.AUDIO, pcm)

    def settle(self, on_settled: OnPartial) -> None:
        """Have `on_settled` called with the words of all that was pushed until now."""
        self._on_settled = on_settled
        if not self.done:
            self._send(Kind.SETTLE)

    def finish(self) -> None:
        """There is no more speech: `final` will come."""
        if not self.done:
            self._send(Kind.FINISH)

    def abort(self) -> None:
        if not self.done:
            self._send(Kind.ABORT)
            self._end("the utterance was given up")

    async def final(self) -> str:
        """The transcript, after `finish`. Raises RecognitionError."""
        try:
            async with asyncio.timeout(FINAL_TIMEOUT_S):
                return await asyncio.shield(self._final)
        except TimeoutError:
            raise self._overdue() from None

    def _overdue(self) -> RecognitionError:
        # One that is only busy is so with others, who would lose their words with it.
        stuck = self._worker.process.silent_s >= FINAL_TIMEOUT_S
        message = "the recogniser does not answer" if stuck else "recognition is too far behind"
        self.lose(message)
        if stuck:
            self._worker.process.kill()
        return RecognitionError(message)

    def hear(self, partial: Partial) -> None:
        """Take the worker's report."""
        self._worker.wait_for(self._decoded - partial.samples)
        self._decoded = partial.samples
        self._hear_words(partial.text)

    def settled(self, text: str) -> None:
        """Take the worker's answer to `settle`."""
        self._hear_words(text)
        self._on_settled(text)

    def _hear_words(self, text: str) -> None:
        if text != self.partial:
            self.partial = text
            self._on_partial(text)

    def complete(self, text: str) -> None:
        if not self.done:
            self.partial = text
            self._worker.wait_for(self._decoded - self.pushed)
            self._final.set_result(text)

    def lose(self, message: str) -> None:
        """Fail, and have the worker stop."""
        if not self.done:
            self._send(Kind.ABORT)
            self.fail(message)

    def fail(self, message: str) -> None:
        """The words that somebody waits for will not come."""
        if not self.done:
            self._worker.count_failure()
            self._end(message)

    def _end(self, message: str) -> None:
        if not self.done:
            self._worker.forget(self._job)
            self._worker.wait_for(self._decoded - self.pushed)
            self._final.set_exception(RecognitionError(message))

    def _send(self, kind: Kind, payload: bytes = b"") -> None:
        try:
            self._worker.process.send(WorkerMessage(kind, self.stream, self._job, payload))
        except WorkerLostError as error:
            self.fail(str(error))


class RecogniserWorker:
    """One worker process and the utterances that it works on."""

    def __init__(self, arguments: Sequence[str], counters: CascadeCounters) -> None:
        self.streams = 0
        self._counters = counters
        self._jobs = itertools.count(1)
        self._utterances: dict[int, DecodedUtterance] = {}
        self.process = WorkerProcess(
            WorkerKind.RECOGNISER,
            MODULE,
            arguments,
            counters,
            on_message=self._receive,
            on_lost=self._lost,
        )

    def begin(self, stream: int, on_partial: OnPartial) -> DecodedUtterance:
        job = next(self._jobs)
        utterance = self._utterances[job] = DecodedUtterance(self, stream, job, on_partial)
        utterance.begin()
        return utterance

    def give_up(self, stream: int) -> None:
        """Nobody wants the stream's utterances any more."""
        for utterance in [each for each in self._utterances.values() if each.stream == stream]:
            utterance.abort()

    def forget(self, job: int) -> None:
        self._utterances.pop(job, None)

    def count_failure(self) -> None:
        self._counters.utterances_failed += 1

    def wait_for(self, samples: int) -> None:
        """So many more wait to be decoded, or, where it is negative, fewer."""
        self._counters.work.recognition.waiting += samples / SAMPLE_RATE

    def _receive(self, message: WorkerMessage) -> None:
        if message.kind is Kind.WORKED:
            worked = msgspec.msgpack.decode(message.payload, type=Worked)
            self._counters.work.recognition.work_s += worked.seconds
            self._counters.work.recognition.audio_s += worked.samples / SAMPLE_RATE
            return
        utterance = self._utterances.get(message.job)
        if utterance is None:
            return
        try:
            self._tell(utterance, message)
        except Exception:
            # A bug in one session: the worker is that of many.
            logger.exception("a session failed on its words")
            utterance.lose("the session failed on its words")

    def _tell(self, utterance: DecodedUtterance, message: WorkerMessage) -> None:
        if message.kind is Kind.PARTIAL:
            utterance.hear(msgspec.msgpack.decode(message.payload, type=Partial))
        elif message.kind is Kind.SETTLED:
            utterance.settled(message.payload.decode(errors="replace"))
        elif message.kind is Kind.FINAL:
            del self._utterances[message.job]
            self._counters.utterances += 1
            utterance.complete(message.payload.decode(errors="replace"))

    def _lost(self) -> None:
        for utterance in list(self._utterances.values()):
            utterance.fail("the recogniser process ended")


class RecogniserStream:
    """A session's place at a worker: its utterances share what was learned of the speaker."""

    def __init__(self, worker: RecogniserWorker, number: int) -> None:
        self._worker = worker
        self._number = number
        worker.streams += 1
        self._tell(Kind.OPEN_STREAM)

    def begin(
        self, on_partial: OnPartial, transcription: Transcription | None = None
    ) -> DecodedUtterance:
        """Start an utterance; the workers speak English, whatever `transcription` asks for."""
        return self._worker.begin(self._number, on_partial)

    def close(self) -> None:
        self._worker.give_up(self._number)
        self._worker.streams -= 1
        self._tell(Kind.CLOSE_STREAM)

    def _tell(self, kind: Kind) -> None:
        try:
            self._worker.process.send(WorkerMessage(kind, self._number))
        except WorkerLostError:
            return  # the worker that comes next knows no streams, and opens those it hears of


class Recogniser:
    """Spreads sessions over worker processes."""

    def __init__(self, workers: int, arguments: Sequence[str], counters: CascadeCounters) -> None:
        """`arguments` name the model files; none: general English."""
        self.workers = [RecogniserWorker(arguments, counters) for _ in range(workers)]
        self._numbers = itertools.count(1)

    async def start(self) -> None:
        """Raises OSError when a worker does not start."""
        await asyncio.gather(*(worker.process.start() for worker in self.workers))

    async def close(self) -> None:
        await asyncio.gather(*(worker.process.close() for worker in self.workers))

    @property
    def ready(self) -> bool:
        return all(worker.process.ready for worker in self.workers)

    def open_stream(self) -> RecogniserStream:
        worker = min(self.workers, key=lambda worker: worker.streams)
        return RecogniserStream(worker, next(self._numbers))


def _retrieve(future: "asyncio.Future[str]") -> None:
    """An utterance that nobody waits for may fail without a word."""
    if not future.cancelled():
        future.exception()
