"""One response of the cascade: a draft given out under its number, and always an end.

Whatever fails, the user hears of it where a voice is left to say it: an answer
that cannot be given is an apology.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from antiphon_proto.trunk import (
    Done,
    DoneStatus,
    Error,
    FunctionCall,
    ResponseStarted,
    Stage,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    Usage,
    WordsSpoken,
)
from chassis.tracing.tracer import current_scope
from inference.engine import Emit
from inference.engine_output import Audio
from inference.engines.cascade.brain.brain import (
    CutOff,
    Effect,
    FunctionCallDelta,
    Prompt,
    TokensUsed,
)
from inference.engines.cascade.draft import Draft, MakeSpeaker
from inference.engines.cascade.gate import Output
from inference.engines.cascade.speaker import Speaker
from inference.engines.cascade.usage import count_usage
from inference.engines.cascade.user_turn import UserTurn
from inference.error_code import EngineError, ErrorCode

logger = logging.getLogger(__name__)

HEARING_APOLOGY = "Sorry, I could not hear that. Please say it again."
BRAIN_APOLOGY = "Sorry, I cannot think of an answer right now. Please try again."
VOICE_APOLOGY = "Sorry, something is wrong with my voice. Please ask me again."
APOLOGIES = {
    ErrorCode.RECOGNITION_FAILED: HEARING_APOLOGY,
    ErrorCode.BRAIN_FAILED: BRAIN_APOLOGY,
    ErrorCode.BRAIN_TIMEOUT: BRAIN_APOLOGY,
    ErrorCode.SYNTHESIS_FAILED: VOICE_APOLOGY,
}


class Answer:
    """Runs from `start` until its Done, which comes by itself or by `cancel`."""

    def __init__(
        self,
        response: int,
        *,
        turn: UserTurn,
        prepare: Callable[[], Awaitable[Prompt]],
        draft: Callable[[Prompt], Draft],
        make_speaker: MakeSpeaker | None,
        emit: Emit,
        clock: Callable[[], float],
        on_over: Callable[["Answer"], None],
        apologises: bool = True,
    ) -> None:
        """`prepare` gives the prompt as soon as all of it is known; `turn` is what is answered.

        `draft` gives an answer to the prompt: one that was begun already, or a new one.
        Without `make_speaker` the answer is text only.
        """
        self.response = response
        self.text = ""
        self.calls: list[FunctionCall] = []
        self.speaker: Speaker | None = None
        self._turn = turn
        self._prepare = prepare
        self._make_draft = draft
        self._make_speaker = make_speaker
        self._emit = emit
        self._clock = clock
        self._on_over = on_over
        self._apologises = apologises
        self._scope = current_scope.get()
        self._prompt = Prompt("", ())
        self._tokens: TokensUsed | None = None
        self._draft: Draft | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def spoken(self) -> bool:
        return self._make_speaker is not None

    def start(self) -> None:
        self._reach(Stage.RESPOND)
        self._turn.answered_within(self._scope)
        self._emit(ResponseStarted(self.response))
        self._task = asyncio.create_task(self._run())

    def cancel(self) -> None:
        """Stop brain and voice at once."""
        if self._task is not None and not self._task.done():
            self._task.cancel()
            if self._draft is not None:
                self._draft.discard()
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
        """Give the answer to the end. Raises EngineError."""
        self._prompt = await self._prepare()
        draft = self._draft = self._make_draft(self._prompt)
        self.speaker = draft.speaker
        draft.span.move_below(self._scope)
        draft.release(self._take)
        return await draft.finished()

    def _take(self, output: Output) -> None:
        match output:
            case str():
                self._write(output)
            case bytes():
                self._reach(Stage.FIRST_AUDIO)
                self._emit(Audio(self.response, output))
            case FunctionCallDelta(call_id, name, arguments_json):
                self._emit(ToolCallDelta(self.response, call_id, name, arguments_json))
            case FunctionCall():
                self.calls.append(output)
                self._emit(ToolCall(self.response, output))
            case Effect(act):
                act()
            case TokensUsed():
                self._tokens = output
            case tuple():
                self._emit(WordsSpoken(self.response, output))

    def _write(self, text: str) -> None:
        self._reach(Stage.FIRST_TEXT)
        self.text += text
        self._emit(TextDelta(self.response, text))

    async def _apologise(self, code: ErrorCode) -> None:
        apology = APOLOGIES.get(code)
        if apology is None or not self._apologises:
            return
        if self.speaker is None and self._make_speaker is not None:
            self.speaker = self._make_speaker(self._take)
        if code is ErrorCode.SYNTHESIS_FAILED and not self._fall_back():
            return
        apology = f" {apology}" if self.text else apology
        self._write(apology)
        while self.speaker is not None:
            try:
                await self.speaker.say(apology)
            except EngineError as error:
                self._emit(Error(error.code, str(error)))
                if self._fall_back():
                    continue
            return

    def _fall_back(self) -> bool:
        """Whether another voice is left to apologise with."""
        return self.speaker is not None and self.speaker.fall_back()

    def _reach(self, stage: Stage) -> None:
        self._turn.reached.setdefault(stage, self._clock())

    def _end(self, status: DoneStatus, reason: str = "") -> None:
        self._on_over(self)
        self._emit(Done(self.response, status, reason, self._usage(), self._turn.stage_times()))

    def _usage(self) -> Usage:
        spoken_ms = 0 if self.speaker is None else self.speaker.spoken.duration_ms
        written = "".join((self.text, *(call.arguments_json for call in self.calls)))
        return count_usage(self._prompt, written, spoken_ms, self._tokens)
