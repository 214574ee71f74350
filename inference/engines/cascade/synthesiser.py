"""Streaming speech synthesis in a worker process."""

import asyncio
import itertools
from collections.abc import AsyncGenerator

import msgspec

from inference.engines.cascade.counters import CascadeCounters, WorkerKind
from inference.engines.cascade.speech import Speech, SpokenWord
from inference.engines.cascade.speech_synthesis import SAMPLE_RATE, Report, SynthesisError
from inference.engines.cascade.voices import EspeakVoice, espeak_voice, words_per_minute
from inference.engines.cascade.worker_messages import Kind, SpeakRequest, Worked, WorkerMessage
from inference.engines.cascade.worker_process import WorkerLostError, WorkerProcess

CHUNK_TIMEOUT_S = 5.0
MODULE = "inference.engines.cascade.tts_worker"

_Chunks = asyncio.Queue[Speech | Kind | None]
"""END behind the last speech, None when the worker died."""


class EmbeddedVoice:
    """One of espeak-ng's voices."""

    def __init__(self, synthesiser: "Synthesiser", voice: EspeakVoice, speed: float) -> None:
        self._synthesiser = synthesiser
        self._voice = voice
        self._speed = speed

    def fall_back(self) -> None:
        """A worker that died is started again; until then nothing on this machine can speak."""

    def speak(self, text: str) -> AsyncGenerator[Speech]:
        """As `Voice.speak`."""
        return self._synthesiser.speak(text, self._voice, self._speed)


class Synthesiser:
    """Speaks pieces of text, one after the other over all sessions."""

    local = True

    def __init__(self, counters: CascadeCounters) -> None:
        self._load = counters.work.synthesis
        self._jobs = itertools.count(1)
        self._chunks: dict[int, _Chunks] = {}
        self.process = WorkerProcess(
            WorkerKind.SYNTHESISER,
            MODULE,
            (),
            counters,
            on_message=self._receive,
            on_lost=self._lost,
        )

    async def start(self) -> None:
        """Raises OSError when the worker does not start."""
        await self.process.start()

    async def close(self) -> None:
        await self.process.close()

    @property
    def ready(self) -> bool:
        return self.process.ready

    def unready_reason(self) -> str | None:
        return None if self.ready else "the voice is not running"

    def voice(
        self,
        name: str,
        session_key: str = "",
        report: Report = lambda error: None,
        speed: float = 1.0,
    ) -> EmbeddedVoice:
        return EmbeddedVoice(self, espeak_voice(name), speed)

    async def speak(
        self, text: str, voice: EspeakVoice, speed: float = 1.0
    ) -> AsyncGenerator[Speech]:
        """Stream speech at SAMPLE_RATE; closing the iterator stops the voice.

        Raises SynthesisError.
        """
        job = next(self._jobs)
        chunks = self._chunks[job] = _Chunks()
        self._load.waiting += 1
        request = SpeakRequest(text, voice.name, voice.pitch, words_per_minute(speed))
        ended = False
        try:
            self._send(Kind.SPEAK, job, msgspec.msgpack.encode(request))
            while speech := await self._next(chunks):
                yield speech
            ended = True
        finally:
            del self._chunks[job]
            self._load.waiting -= 1
            if not ended and self.ready:
                self._send(Kind.ABORT, job)

    async def _next(self, chunks: _Chunks) -> Speech | None:
        """None behind the last."""
        while True:
            try:
                async with asyncio.timeout(CHUNK_TIMEOUT_S):
                    chunk = await chunks.get()
            except TimeoutError:
                if self.process.silent_s < CHUNK_TIMEOUT_S:
                    continue  # it speaks what others asked for before
                self.process.kill()
                raise SynthesisError("the synthesiser does not answer") from None
            if chunk is None:
                raise SynthesisError("the synthesiser process ended")
            return chunk if isinstance(chunk, Speech) else None

    def _send(self, kind: Kind, job: int, payload: bytes = b"") -> None:
        try:
            self.process.send(WorkerMessage(kind, job=job, payload=payload))
        except WorkerLostError as error:
            raise SynthesisError(str(error)) from error

    def _receive(self, message: WorkerMessage) -> None:
        if message.kind is Kind.WORKED:
            worked = msgspec.msgpack.decode(message.payload, type=Worked)
            self._load.work_s += worked.seconds
            self._load.audio_s += worked.samples / SAMPLE_RATE
            return
        chunks = self._chunks.get(message.job)
        if chunks is None:
            return
        if message.kind is Kind.AUDIO:
            chunks.put_nowait(Speech(message.payload))
        elif message.kind is Kind.WORDS:
            words = msgspec.msgpack.decode(message.payload, type=tuple[SpokenWord, ...])
            chunks.put_nowait(Speech(words=words))
        elif message.kind is Kind.END:
            chunks.put_nowait(Kind.END)

    def _lost(self) -> None:
        for chunks in self._chunks.values():
            chunks.put_nowait(None)
