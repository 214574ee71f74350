"""An answer in the making: brain and voice overlapped, behind a gate.

brain ─► text ─► speakable pieces ─► voice ─► audio
"""

import asyncio
from collections.abc import Callable
from contextlib import aclosing

from chassis.tracing.tracer import UNTRACED, SpanScope, within
from inference.engines.cascade.brain.brain import Brain, BrainError, CutOff, Prompt
from inference.engines.cascade.gate import Gate, Take
from inference.engines.cascade.speakable import SpeakablePieces
from inference.engines.cascade.speaker import Speaker
from inference.engines.cascade.speech_synthesis import SynthesisError
from inference.error_code import EngineError

_Pieces = asyncio.Queue[str | None]
"""Text to speak; None behind the last."""

MakeSpeaker = Callable[[Take], Speaker]
"""A voice that gives its audio to the callable."""


class Draft:
    """Runs from the start; nothing leaves it before `release`, or ever if it is discarded."""

    def __init__(
        self,
        prompt: Prompt,
        brain: Brain,
        make_speaker: MakeSpeaker | None,
        scope: SpanScope = UNTRACED,
    ) -> None:
        """Without a speaker the answer is text only. `scope`: the session's, while it is open
        which response this answers."""
        self.prompt = prompt
        self.span = scope.begin("answer")
        self.gate = Gate()
        self.speaker = None if make_speaker is None else make_speaker(self.gate.put)
        self._brain = brain
        self._released = asyncio.Event()
        self._task = asyncio.create_task(self._run())
        self._task.add_done_callback(_retrieve)

    @property
    def spoken(self) -> bool:
        return self.speaker is not None

    @property
    def failed(self) -> bool:
        task = self._task
        return task.done() and not task.cancelled() and task.exception() is not None

    def release(self, take: Take) -> None:
        """Give `take` what there is, and then what comes."""
        self.gate.release(take)
        self._released.set()

    async def finished(self) -> CutOff | None:
        """Return when all was given; why it stopped short, if it did. Raises EngineError."""
        try:
            cut_off = await self._task
        except EngineError as error:
            self.span.end(error.code.value)
            raise
        self.span.end()
        return cut_off

    def discard(self) -> None:
        """Stop brain and voice at once; nothing more comes."""
        self.gate.discard()
        self._task.cancel()
        self.span.note({"antiphon.discarded": True})
        self.span.end()

    async def _run(self) -> CutOff | None:
        pieces: _Pieces = asyncio.Queue()
        thinking = asyncio.create_task(self._think(pieces))
        try:
            if self.speaker is not None:
                await self._speak(pieces, self.speaker)
            return await thinking
        finally:
            thinking.cancel()
            self.span.over()

    async def _speak(self, pieces: _Pieces, speaker: Speaker) -> None:
        """Raises SynthesisError."""
        span = UNTRACED
        try:
            while (piece := await pieces.get()) is not None:
                await self._room()
                if piece:
                    span = span if span.context else self.span.begin("tts")
                    with within(span):
                        await speaker.say(piece)
        except SynthesisError as error:
            span.end(error.code.value)
            raise
        finally:
            span.end()

    async def _think(self, pieces: _Pieces) -> CutOff | None:
        """Stream the brain's answer into `pieces`. Raises BrainError."""
        span = self.span.begin("brain")
        try:
            with within(span):
                return await self._streamed(pieces)
        except BrainError as error:
            span.end(error.code.value)
            raise
        finally:
            span.end()

    async def _streamed(self, pieces: _Pieces) -> CutOff | None:
        """Raises BrainError."""
        cutter = SpeakablePieces()
        cut_off = None
        try:
            async with aclosing(self._brain.answer(self.prompt)) as outputs:
                async for output in outputs:
                    if isinstance(output, CutOff):
                        cut_off = output
                        continue
                    self.gate.put(output)
                    for piece in cutter.push(output) if isinstance(output, str) else ():
                        pieces.put_nowait(piece)
                    await self._room()
        finally:
            pieces.put_nowait(cutter.finish())
            pieces.put_nowait(None)
        return cut_off

    async def _room(self) -> None:
        if self.gate.full:
            await self._released.wait()


def _retrieve(task: "asyncio.Task[CutOff | None]") -> None:
    """A draft that nobody claims may fail without a word."""
    if not task.cancelled():
        task.exception()
