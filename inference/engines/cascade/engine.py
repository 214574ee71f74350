"""The voice agent of parts: voice activity, a recogniser, a brain and a voice, overlapped."""

import asyncio
import contextlib
import logging
from collections.abc import Sequence

import numpy as np
import soxr

from antiphon_proto.trunk import Item, Ready, SessionConfig
from inference.engine import Capabilities, Emit
from inference.engines.cascade import speech_recognition, speech_synthesis
from inference.engines.cascade.brain.brain import BrainSource
from inference.engines.cascade.counters import CascadeCounters
from inference.engines.cascade.listener import Listener
from inference.engines.cascade.session import CascadeSession
from inference.engines.cascade.speech_recognition import RecognitionSource
from inference.engines.cascade.speech_synthesis import VoiceSource
from inference.engines.cascade.turn_detection.turn_judge import TurnJudge
from inference.engines.cascade.vad import SileroModel, VoiceBatch
from inference.error_code import EngineError

logger = logging.getLogger(__name__)

SELF_TEST_TRIES = 3
SELF_TEST_SENTENCE = "what time is it"


class CascadeEngine:
    """Holds what the sessions share: the model of voice activity, and the sources of the rest."""

    name = "cascade"
    capabilities = Capabilities(
        speech_recognition.SAMPLE_RATE, speech_synthesis.SAMPLE_RATE, full_duplex=False
    )

    def __init__(
        self,
        brains: BrainSource,
        recogniser: RecognitionSource,
        synthesiser: VoiceSource,
        counters: CascadeCounters,
        *,
        pause_ms: int = 0,
        turn_judge: TurnJudge | None = None,
    ) -> None:
        """`pause_ms`: silence after which an answer is begun, before the turn is known to be
        over; 0: none is. `turn_judge`: tells by the sound whether a turn is over."""
        self._turn_judge = turn_judge
        self._pause_ms = pause_ms
        self._brains = brains
        self._recogniser = recogniser
        self._synthesiser = synthesiser
        self._counters = counters
        self._batch: VoiceBatch | None = None

    async def start(self) -> None:
        """Start recogniser and voice, and have the one hear the other."""
        loop = asyncio.get_running_loop()
        self._batch = VoiceBatch(SileroModel(), self._counters, loop.call_soon)
        try:
            await asyncio.gather(self._recogniser.start(), self._synthesiser.start())
            await self._self_test()
        except OSError:
            await self.close()
            raise

    async def close(self) -> None:
        if self._turn_judge is not None:
            self._turn_judge.close()
        await asyncio.gather(
            self._recogniser.close(), self._synthesiser.close(), self._brains.close()
        )

    def unready_reason(self) -> str | None:
        return self._recogniser.unready_reason() or self._synthesiser.unready_reason()

    def open(
        self, config: SessionConfig, history: Sequence[Item], emit: Emit, session_key: str = ""
    ) -> CascadeSession:
        assert self._batch is not None, "open before start"
        clock = asyncio.get_running_loop().time
        stream = self._recogniser.open_stream(session_key)
        session = CascadeSession(
            config,
            history,
            listener=Listener(
                config,
                self._batch,
                stream,
                emit,
                clock,
                pause_ms=self._pause_ms,
                turn_judge=self._turn_judge,
                interruptions=self._counters.interruptions,
            ),
            brain=self._brains.open(session_key),
            voice=lambda name, report, speed: self._synthesiser.voice(
                name, session_key, report, speed
            ),
            emit=emit,
            clock=clock,
            counters=self._counters.speculation,
        )
        rates = self.capabilities
        emit(
            Ready(
                self.name,
                rates.input_rate,
                rates.output_rate,
                rates.full_duplex,
                judges_interruptions=True,
            )
        )
        return session

    async def _self_test(self) -> None:
        """Have a sentence spoken and recognised.

        Raises OSError when that fails on this machine: a server may come up later.
        """
        try:
            heard = await self._heard_at_last(SELF_TEST_SENTENCE)
        except EngineError as error:
            if self._recogniser.local and self._synthesiser.local:
                raise OSError(f"the cascade's self-test failed: {error}") from error
            logger.warning("the cascade's self-test failed: %s", error)
        else:
            logger.info("self-test: %r was heard as %r", SELF_TEST_SENTENCE, heard)

    async def _heard_at_last(self, sentence: str) -> str:
        """Try again: a machine that starts much at once has little time. Raises EngineError."""
        for _ in range(SELF_TEST_TRIES - 1):
            with contextlib.suppress(EngineError):
                return await self._heard(sentence)
        return await self._heard(sentence)

    async def _heard(self, sentence: str) -> str:
        speech = self._synthesiser.voice("").speak(sentence)
        pcm = b"".join([part.pcm async for part in speech])
        stream = self._recogniser.open_stream()
        try:
            utterance = stream.begin(lambda text: None)
            utterance.push(_for_recogniser(pcm))
            utterance.finish()
            return await utterance.final()
        finally:
            stream.close()


def _for_recogniser(pcm: bytes) -> bytes:
    """The voice's samples at the recogniser's rate, between two pauses."""
    rate = speech_recognition.SAMPLE_RATE
    samples = np.frombuffer(pcm, np.int16)
    pause = bytes(rate // 2 * samples.itemsize)
    resampled = soxr.resample(samples, speech_synthesis.SAMPLE_RATE, rate)
    return pause + bytes(resampled.tobytes()) + pause
