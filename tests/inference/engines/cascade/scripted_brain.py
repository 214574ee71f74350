"""A brain that says what a test tells it to, and remembers what it was asked."""

import asyncio
from collections.abc import AsyncGenerator

from inference.engines.cascade.brain.brain import BrainOutput, Prompt


class ScriptedBrain:
    """Gives `script`.

    An exception in it is raised, a float is a pause in seconds, an event is waited for.
    """

    def __init__(self) -> None:
        self.script: list[BrainOutput | float | asyncio.Event | Exception] = ["Okay."]
        self.prompts: list[Prompt] = []
        self.given = 0
        self.stopped = 0

    async def answer(self, prompt: Prompt) -> AsyncGenerator[BrainOutput]:
        self.prompts.append(prompt)
        try:
            for step in list(self.script):
                match step:
                    case Exception():
                        raise step
                    case float():
                        await asyncio.sleep(step)
                    case asyncio.Event():
                        await step.wait()
                    case _:
                        self.given += 1
                        yield step
        except (asyncio.CancelledError, GeneratorExit):
            self.stopped += 1
            raise


class ScriptedBrains:
    """Every session gets the same brain."""

    def __init__(self) -> None:
        self.brain = ScriptedBrain()

    def open(self, session_key: str = "") -> ScriptedBrain:
        return self.brain

    async def close(self) -> None: ...
