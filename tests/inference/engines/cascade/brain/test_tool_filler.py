"""Words where an answer is nothing but function calls."""

from contextlib import aclosing

import pytest

from antiphon_proto.trunk import FunctionCall
from inference.engines.cascade.brain.brain import BrainOutput, FunctionCallDelta, Prompt
from inference.engines.cascade.brain.tool_filler import ToolFillers
from tests.inference.engines.cascade.scripted_brain import ScriptedBrains

FILLER = "One moment."
CALL = FunctionCall("c", "look", "{}")
DELTA = FunctionCallDelta("c", "look", "{}")


@pytest.mark.parametrize(
    ("script", "said", "expected"),
    [
        ([CALL, CALL], "", [FILLER, CALL, CALL]),
        ([" ", CALL], "", [" ", FILLER, CALL]),
        (["I look. ", CALL], "", ["I look. ", CALL]),
        (["Hello."], "", ["Hello."]),
        ([CALL], "I look.", [CALL]),
        ([DELTA, CALL], "", [FILLER, DELTA, CALL]),
    ],
)
async def test_filler(script: list[BrainOutput], said: str, expected: list[BrainOutput]) -> None:
    brains = ScriptedBrains()
    brains.brain.script = list(script)
    brain = ToolFillers(brains, FILLER).open("call")
    async with aclosing(brain.answer(Prompt("", (), said=said))) as outputs:
        assert [output async for output in outputs] == expected


async def test_nobody_waits_on_the_line_for_an_answer_out_of_band() -> None:
    brains = ScriptedBrains()
    brains.brain.script = [CALL]
    brain = ToolFillers(brains, FILLER).open("call")
    async with aclosing(brain.answer(Prompt("", (), out_of_band=True))) as outputs:
        assert [output async for output in outputs] == [CALL]
