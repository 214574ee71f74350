"""One response of the cascade: brain and voice overlapped, and always an end.

    brain ─► text ─► speakable pieces ─► voice ─► audio

Whatever fails, the user hears of it where a voice is left to say it: an answer
that cannot be given is an apology.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import aclosing

from antiphon_proto.trunk import (
    Done,
    DoneStatus,
    Error,
    FunctionCall,
    ResponseStarted,
    Stage,
    TextDelta,
    ToolCall,
    Usage,
)
from inference.engine import Emit
from inference.engine_output import Audio
from inference.engines.cascade.brain.brain import Brain, CutOff, Effect, Prompt
from inference.engines.cascade.speakable import SpeakablePieces
from inference.engines.cascade.speaker import Speaker
from inference.engines.cascade.usage import count_usage
from inference.engines.cascade.user_turn import UserTurn
from inference.error_code import EngineError, ErrorCode

logger = logging.getLogger(__name__)

HEARING_APOLOGY = "Sorry, I could not hear that. Please say it again."
BRAIN_APOLOGY = "Sorry, I cannot think of an answer right now. Please try again."
APOLOGIES = {
    ErrorCode.RECOGNITION_FAILED: HEARING_APOLOGY,
    ErrorCode.BRAIN_FAILED: BRAIN_APOLOGY,
    ErrorCode.BRAIN_TIMEOUT: BRAIN_APOLOGY,
}

_Pieces = asyncio.Queue[str | None]
"""Text to speak; None behind the last."""


class Answer:
    """Runs from `start` until its Done, which comes by itself or by `cancel`."""

    def __init__(
        self,
        response: int,
        *,
        turn: UserTurn,
        prepare: Callable[[], Awaitable[Prompt]],
        brain: Brain,
        emit: Emit,
        clock: Callable[[], float],
        on_over: Callable[["Answer"], None],
    ) -> None:
        """`prepare` gives the prompt as soon as all of it is known; `turn` is what is answered."""
        self.response = response
        self.text = ""
        self.calls: list[FunctionCall] = []
        self.speaker: Speaker | None = None
        self._turn = turn
        self._prepare = prepare
        self._brain = brain
        self._emit = emit
        self._clock = clock
        self._on_over = on_over
        self._prompt = Prompt("", ())
        self._task: asyncio.Task[None] | None = None

    def start(self, speaker: Speaker | None) -> None:
        """Begin; without a speaker the answer is text only."""
        self.speaker = speaker
        self._reach(Stage.RESPOND)
        self._emit(ResponseStarted(self.response))
        self._task = asyncio.create_task(self._run())

    def give_audio(self, pcm: bytes) -> None:
        """Pass the speaker's audio on."""
        self._reach(Stage.FIRST_AUDIO)
        self._emit(Audio(self.response, pcm))

    def cancel(self) -> None:
        """Stop brain and voice at once."""
        if self._task is not None and not self._task.done():
            self._task.cancel()
            self._end(DoneStatus.CANCELLED)

    async def _run(self) -> None:
        status, reason = DoneStatus.COMPLETED, ""
        try:
            cut_off = await self._think_aloud()
            if cut_off is not None:
                status, reason = DoneStatus.INCOMPLETE, cut_off.reason
        except EngineError as error:
            status, reason = DoneStatus.FAILED, error.code.value
            self._emit(Error(error.code, str(error)))
            await self._apologise(error.code)
        except Exception:
            logger.exception("an answer failed")
            status, reason = DoneStatus.FAILED, ErrorCode.ENGINE_FAILED.value
            self._emit(Error(ErrorCode.ENGINE_FAILED, "the engine failed"))
        self._end(status, reason)

    async def _think_aloud(self) -> CutOff | None:
        """Speak what the brain says while it goes on. Raises EngineError."""
        self._prompt = await self._prepare()
        pieces: _Pieces = asyncio.Queue()
        thinking = asyncio.create_task(self._think(pieces))
        try:
            while (piece := await pieces.get()) is not None:
                await self._say(piece)
            return await thinking
        finally:
            thinking.cancel()

    async def _think(self, pieces: _Pieces) -> CutOff | None:
        """Stream the brain's answer into `pieces`. Raises BrainError."""
        cutter = SpeakablePieces()
        cut_off = None
        try:
            async with aclosing(self._brain.answer(self._prompt)) as outputs:
                async for output in outputs:
                    match output:
                        case str():
                            self._write(output)
                            for piece in cutter.push(output):
                                pieces.put_nowait(piece)
                        case FunctionCall():
                            self.calls.append(output)
                            self._emit(ToolCall(self.response, output))
                        case CutOff():
                            cut_off = output
                        case Effect(act):
                            act()
        finally:
            pieces.put_nowait(cutter.finish())
            pieces.put_nowait(None)
        return cut_off

    def _write(self, text: str) -> None:
        self._reach(Stage.FIRST_TEXT)
        self.text += text
        self._emit(TextDelta(self.response, text))

    async def _say(self, piece: str) -> None:
        if self.speaker is not None and piece:
            await self.speaker.say(piece)

    async def _apologise(self, code: ErrorCode) -> None:
        apology = APOLOGIES.get(code)
        if apology is None:
            return
        apology = f" {apology}" if self.text else apology
        self._write(apology)
        try:
            await self._say(apology)
        except EngineError as error:
            self._emit(Error(error.code, str(error)))

    def _reach(self, stage: Stage) -> None:
        self._turn.reached.setdefault(stage, self._clock())

    def _end(self, status: DoneStatus, reason: str = "") -> None:
        self._on_over(self)
        self._emit(Done(self.response, status, reason, self._usage(), self._turn.stage_times()))

    def _usage(self) -> Usage:
        spoken_ms = 0 if self.speaker is None else self.speaker.spoken.duration_ms
        return count_usage(self._prompt, self.text, spoken_ms)
