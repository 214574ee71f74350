"""The cascade's stages, as spans below what they are done for."""

import asyncio
from collections.abc import Callable

import pytest

from antiphon_proto.trunk import DoneStatus
from chassis.tracing.tracer import within
from inference.engines.cascade.brain.brain import BrainError
from inference.engines.cascade.engine import CascadeEngine
from inference.engines.cascade.user_turn import UserTurn
from inference.error_code import ErrorCode
from tests.chassis.tracing.recorded import Recorder, remote
from tests.inference.engines.cascade.caller import TIMEOUT_S, Caller
from tests.inference.engines.cascade.scripted_brain import ScriptedBrain
from tests.inference.user_voice import UserVoice

pytestmark = pytest.mark.asyncio(loop_scope="session")

QUESTION = "what is twelve plus thirty"


class TracedCaller(Caller):
    """One whose session is below another process's span."""

    def __init__(self, engine: CascadeEngine) -> None:
        self.recorder = Recorder()
        with within(self.recorder.tracer.below(remote())):
            super().__init__(engine)

    def tree(self) -> dict[str, list[str]]:
        """What is below the session, each with what is below that."""
        spans = self.recorder.spans
        top = [span for span in spans if span.parent_id == remote().span_id]
        return {span.name: sorted(self.recorder.names_below(span)) for span in top}


async def eventually(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(TIMEOUT_S):
        while not condition():
            await asyncio.sleep(0.01)


async def test_an_answer(cascade: CascadeEngine, brain: ScriptedBrain, user: UserVoice) -> None:
    caller = TracedCaller(cascade)
    await caller.speak(user.say(QUESTION))
    await caller.done()
    await eventually(lambda: len(caller.tree()) == 2)
    assert caller.tree() == {"asr": [], "answer": ["brain", "tts"]}
    assert "forty two" not in repr(caller.recorder.spans)
    assert {span.error for span in caller.recorder.spans} == {""}
    caller.session.close("test")


async def test_an_answer_that_fails(
    cascade: CascadeEngine, brain: ScriptedBrain, user: UserVoice
) -> None:
    brain.script = [BrainError(ErrorCode.BRAIN_TIMEOUT, "the language model did not answer")]
    caller = TracedCaller(cascade)
    await caller.speak(user.say(QUESTION))
    assert (await caller.done()).status is DoneStatus.FAILED
    recorder = caller.recorder
    await eventually(lambda: "answer" in caller.tree())
    assert recorder.named("answer").error == recorder.named("brain").error == "brain_timeout"
    caller.session.close("test")


async def test_an_answer_that_is_cancelled(
    cascade: CascadeEngine, brain: ScriptedBrain, user: UserVoice
) -> None:
    brain.script = [asyncio.Event()]
    caller = TracedCaller(cascade)
    await caller.speak(user.say(QUESTION))
    await eventually(lambda: brain.prompts)
    await caller.until(lambda: caller.responses)
    caller.session.cancel(1, 0)
    answer = caller.recorder.named("answer")
    assert (answer.error, answer.attributes["antiphon.discarded"]) == ("", True)
    caller.session.close("test")


async def heard(recorder: Recorder) -> UserTurn:
    """A turn whose transcript is there."""
    turn = UserTurn(spans=[recorder.tracer.below(remote()).begin("asr")])
    await turn.transcript(lambda: 1.0)
    return turn


async def test_a_transcript_that_is_there_before_it_is_asked_for() -> None:
    recorder = Recorder()
    turn = await heard(recorder)
    assert recorder.spans == []
    response = recorder.tracer.below(remote()).begin("respond")
    turn.answered_within(response)
    assert response.context is not None
    assert recorder.named("asr").parent_id == response.context.span_id


async def test_a_turn_that_is_not_answered() -> None:
    recorder = Recorder()
    (await heard(recorder)).settle()
    assert recorder.named("asr").parent_id == remote().span_id
