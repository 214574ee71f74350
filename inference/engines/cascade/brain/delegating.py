"""A fast brain that holds the floor while a slow one, the expert, thinks.

    fast brain ─► "Let me check." ─► spoken
        └─ consult_expert(question) ─► expert ─► (reminders meanwhile) ─► spoken

All of it is one answer: who interrupts it, or cancels it, takes the question back, and the
expert's connection is closed. An answer that is begun on a guess of the user's words asks
the expert only when it is released.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, field, replace

from antiphon_proto.trunk import FunctionCall
from inference.engines.cascade.brain.brain import (
    Brain,
    BrainError,
    BrainOutput,
    BrainSource,
    CutOff,
    Effect,
    FunctionCallDelta,
    Prompt,
    TokensUsed,
)
from inference.engines.cascade.brain.expert_tool import (
    CONSULT_EXPERT,
    expert_prompt,
    may_offer_expert,
    question_of,
)
from inference.engines.cascade.counters import Consultation
from inference.error_code import ErrorCode

FILLER = "Let me check. "
"""Said where the fast brain asks without a word."""

REMINDERS = ("One moment, please. ", "I am still checking. ", "It takes a little longer. ")
REMINDER_EVERY_S = 6.0
"""Longer than people leave a silence on a telephone without asking who is there."""


class DelegatingBrains:
    """Gives each session a brain of two."""

    def __init__(
        self,
        fast: BrainSource,
        expert: BrainSource,
        timeout_s: float,
        counters: Counter[Consultation],
        reminder_every_s: float = REMINDER_EVERY_S,
    ) -> None:
        """`timeout_s`: longest wait for the expert's first words."""
        self._fast = fast
        self._expert = expert
        self._timeout_s = timeout_s
        self._counters = counters
        self._reminder_every_s = reminder_every_s

    def open(self, session_key: str) -> Brain:
        return DelegatingBrain(
            self._fast.open(session_key),
            self._expert.open(session_key),
            self._timeout_s,
            self._counters,
            self._reminder_every_s,
        )

    async def close(self) -> None:
        await asyncio.gather(self._fast.close(), self._expert.close())


class DelegatingBrain:
    """Keeps nothing of a session itself."""

    def __init__(
        self,
        fast: Brain,
        expert: Brain,
        timeout_s: float,
        counters: Counter[Consultation],
        reminder_every_s: float,
    ) -> None:
        self._fast = fast
        self._expert = expert
        self._timeout_s = timeout_s
        self._counters = counters
        self._reminder_every_s = reminder_every_s

    async def answer(self, prompt: Prompt) -> AsyncGenerator[BrainOutput]:
        if not may_offer_expert(prompt):
            async with aclosing(self._fast.answer(prompt)) as outputs:
                async for output in outputs:
                    yield output
            return
        first = _FirstAnswer(prompt.said)
        offer = replace(prompt, tools=(*prompt.tools, CONSULT_EXPERT))
        async with aclosing(self._fast.answer(offer)) as outputs:
            async for output in outputs:
                if first.passes(output):
                    yield output
        if not first.questions:
            if first.cut_off is not None:
                yield first.cut_off
            return
        yield _to_the_voice(first.said)
        asked = expert_prompt(prompt, "\n".join(dict.fromkeys(filter(None, first.questions))))
        async with aclosing(self._consult(asked)) as outputs:
            async for output in outputs:
                yield first.with_cost(output)

    async def _consult(self, prompt: Prompt) -> AsyncGenerator[BrainOutput]:
        """Reminders while the expert thinks, then its answer. Raises BrainError."""
        released = asyncio.Event()
        yield Effect(released.set)
        await released.wait()
        outcome = Consultation.DROPPED
        try:
            async with (
                aclosing(self._expert.answer(prompt)) as answer,
                aclosing(self._with_reminders(answer)) as outputs,
            ):
                async for output in outputs:
                    yield output
            outcome = Consultation.ANSWERED
        except BrainError as error:
            timed_out = error.code is ErrorCode.BRAIN_TIMEOUT
            outcome = Consultation.TIMED_OUT if timed_out else Consultation.FAILED
            raise
        finally:
            self._counters[outcome] += 1

    async def _with_reminders(
        self, answer: AsyncIterator[BrainOutput]
    ) -> AsyncGenerator[BrainOutput]:
        """The answer, with reminders before its first output."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._timeout_s
        reminders = iter(REMINDERS)
        first = asyncio.ensure_future(anext(answer, None))
        try:
            while not first.done():
                left = deadline - loop.time()
                if left <= 0:
                    raise BrainError(ErrorCode.BRAIN_TIMEOUT, "the expert did not answer in time")
                await asyncio.wait([first], timeout=min(left, self._reminder_every_s))
                in_time = left > self._reminder_every_s
                if not first.done() and in_time and (reminder := next(reminders, "")):
                    yield reminder
        finally:
            if not first.done():
                first.cancel()
                await asyncio.wait([first])
        output = first.result()
        while output is not None:
            if not isinstance(output, FunctionCall | FunctionCallDelta):
                yield output
            output = await anext(answer, None)


@dataclass(slots=True)
class _FirstAnswer:
    """What the fast brain has given."""

    said: str
    questions: list[str] = field(default_factory=list)
    cut_off: CutOff | None = None
    """Why it stopped short, which does not matter where the expert goes on."""
    cost: TokensUsed = field(default_factory=lambda: TokensUsed(0, 0))

    def passes(self, output: BrainOutput) -> bool:
        """Note an output; whether it is one for the client."""
        match output:
            case FunctionCall(name=CONSULT_EXPERT.name):
                self.questions.append(question_of(output))
                return False
            case FunctionCallDelta(name=CONSULT_EXPERT.name):
                return False
            case CutOff():
                self.cut_off = output
                return False
            case TokensUsed():
                self.cost = output
            case str():
                self.said += output
        return True

    def with_cost(self, output: BrainOutput) -> BrainOutput:
        """The expert's output; what it cost, with what asking it did."""
        if not isinstance(output, TokensUsed):
            return output
        return TokensUsed(
            self.cost.input_tokens + output.input_tokens,
            self.cost.output_tokens + output.output_tokens,
            self.cost.cached_tokens + output.cached_tokens,
        )


def _to_the_voice(said: str) -> str:
    """What makes the voice say all that was said, without waiting for the end of a sentence."""
    said = said.strip()
    if not said:
        return FILLER
    return " " if said.endswith((".", "!", "?", "…")) else ". "
