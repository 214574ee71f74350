"""Words for a brain that only calls functions: the user hears that something happens."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from antiphon_proto.trunk import FunctionCall
from inference.engines.cascade.brain.brain import (
    Brain,
    BrainOutput,
    BrainSource,
    FunctionCallDelta,
    Prompt,
)


class ToolFillers:
    """Gives each session a brain that says `filler` where it would call without a word."""

    def __init__(self, brains: BrainSource, filler: str) -> None:
        self._brains = brains
        self._filler = filler

    def open(self, session_key: str) -> Brain:
        return ToolFiller(self._brains.open(session_key), self._filler)

    async def close(self) -> None:
        await self._brains.close()


class ToolFiller:
    def __init__(self, brain: Brain, filler: str) -> None:
        self._brain = brain
        self._filler = filler

    async def answer(self, prompt: Prompt) -> AsyncGenerator[BrainOutput]:
        spoke = bool(prompt.said) or prompt.out_of_band
        async with aclosing(self._brain.answer(prompt)) as outputs:
            async for output in outputs:
                if isinstance(output, FunctionCall | FunctionCallDelta) and not spoke:
                    spoke = True
                    yield self._filler
                elif isinstance(output, str):
                    spoke = spoke or bool(output.strip())
                yield output
