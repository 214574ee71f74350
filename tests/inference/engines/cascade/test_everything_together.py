"""Guesses, interruptions, an expert and the client's tools in one session, in any order."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from random import Random

import pytest

from antiphon_proto.trunk import (
    Done,
    FunctionCall,
    Item,
    ResponseStarted,
    Role,
    SessionConfig,
    TextDelta,
    Tool,
    ToolCall,
    TurnDetection,
    WordsSpoken,
)
from inference.engine_output import Audio, EngineOutput
from inference.engines.cascade.brain.brain import Brain, BrainError, BrainOutput, Prompt
from inference.engines.cascade.brain.delegating import DelegatingBrain
from inference.engines.cascade.brain.expert_tool import consultation
from inference.engines.cascade.brain.tool_filler import ToolFiller
from inference.engines.cascade.counters import Consultation
from inference.engines.cascade.embedded_recogniser import EmbeddedRecogniser
from inference.engines.cascade.engine import CascadeEngine
from inference.engines.cascade.synthesiser import Synthesiser
from inference.error_code import ErrorCode
from tests.inference.engines.cascade.caller import TIMEOUT_S, Caller
from tests.inference.user_voice import UserVoice

pytestmark = pytest.mark.asyncio(loop_scope="session")

OF_A_RESPONSE = (TextDelta, Audio, ToolCall, WordsSpoken)
CONFIGS = (
    SessionConfig(
        turn_detection=TurnDetection(silence_duration_ms=500), tools=(Tool("look", "Looks.", "{}"),)
    ),
    SessionConfig(turn_detection=TurnDetection(), text_only=True),
    SessionConfig(),
)
STEPS = ("pause", "pause", "pause", "end", "end", "wait", "cancel", "cancel", "ask", "meddle")


class _MoodyBrain:
    def __init__(self, chance: Random, *, asks: bool) -> None:
        self.answering = 0
        self._chance = chance
        self._asks = asks

    async def answer(self, prompt: Prompt) -> AsyncGenerator[BrainOutput]:
        self.answering += 1
        try:
            mood = self._chance.random()
            await asyncio.sleep(self._chance.choice([0, 0.05]))
            if mood < 0.8:
                yield "Let me see what can be done about that. "
            if mood < 0.2:
                raise BrainError(ErrorCode.BRAIN_FAILED, "moody")
            await asyncio.sleep(self._chance.choice([0, 0.05, 60]))
            if self._asks and mood > 0.5:
                yield consultation("What?")
            if self._asks and mood > 0.6:
                yield FunctionCall("call", "look", "{}")
            yield "That is all that there is to say of it. "
        finally:
            self.answering -= 1


class _HastyCaller(Caller):
    """Interrupts whatever is said by its next turn, and holds the engine to its contract."""

    def __init__(self, engine: CascadeEngine) -> None:
        self.going_on: set[int] = set()
        self.broken: list[EngineOutput] = []
        super().__init__(engine, CONFIGS[0])

    def _take(self, output: EngineOutput) -> None:
        if isinstance(output, ResponseStarted):
            self.going_on.add(output.response)
        elif isinstance(output, OF_A_RESPONSE) and output.response not in self.going_on:
            self.broken.append(output)
        elif isinstance(output, Done):
            self.going_on.remove(output.response)
        super()._take(output)

    def respond(self, **options: object) -> None:
        self.cancel()
        super().respond(**options)

    def cancel(self) -> None:
        if self.responses:
            self.session.cancel(self.responses, 100)

    async def do(self, chance: Random, user: UserVoice) -> None:
        match chance.choice(STEPS):
            case "pause":
                text = chance.choice(["spell cat", "okay", "what time is it"])
                await self.speak(user.say(text, after_ms=330))
                await asyncio.sleep(0.1)
            case "end":
                await self.speak(user.silence(500))
            case "wait":
                await asyncio.sleep(chance.choice([0.02, 0.2]))
            case "cancel":
                self.cancel()
            case "ask":
                self.respond()
            case "meddle":
                self.meddle(chance)

    def meddle(self, chance: Random) -> None:
        session = self.session
        chance.choice(
            [
                self.commit,
                session.clear_input,
                lambda: session.update(chance.choice(CONFIGS)),
                lambda: session.create_item(Item("typed", Role.USER, "Typed."), "root"),
                lambda: session.truncate_item(f"agent-{self.responses}", 300),
                lambda: session.played(max(1, self.responses), 300),
            ]
        )()


def utterances(recogniser: EmbeddedRecogniser) -> list[object]:
    return [each for worker in recogniser.workers for each in worker._utterances.values()]


@pytest.mark.parametrize("seed", range(5))
async def test_every_response_ends_once_and_nothing_outlives_a_session(
    cascade: CascadeEngine,
    recogniser: EmbeddedRecogniser,
    synthesiser: Synthesiser,
    put_brain: Callable[[Brain], None],
    user: UserVoice,
    seed: int,
) -> None:
    chance, consultations = Random(seed), Counter[Consultation]()
    fast, expert = _MoodyBrain(chance, asks=True), _MoodyBrain(chance, asks=False)
    put_brain(ToolFiller(DelegatingBrain(fast, expert, 0.5, consultations, 0.1), "One moment."))
    # Servers of other tests, whose clients broke off, may have left utterances half said.
    before = {*asyncio.all_tasks(), *utterances(recogniser)}
    caller = _HastyCaller(cascade)
    for _ in range(20):
        await caller.do(chance, user)
    caller.session.close("test")
    outputs = len(caller.outputs)

    def left() -> list[object]:
        begun = {*asyncio.all_tasks(), *utterances(recogniser)} - before
        return [*begun, *synthesiser._chunks.values()]

    async with asyncio.timeout(TIMEOUT_S):
        while left():
            await asyncio.sleep(0.01)
    assert (caller.broken, caller.going_on) == ([], set())
    assert len(caller.outputs) == outputs
    assert (fast.answering, expert.answering) == (0, 0)
