"""A session whose brain asks an expert: what is heard meanwhile, and of a question taken back."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from antiphon_proto.trunk import DoneStatus, Error, FunctionCall, ToolCall
from inference.engines.cascade.answer import BRAIN_APOLOGY
from inference.engines.cascade.brain.brain import Brain, BrainError
from inference.engines.cascade.brain.delegating import DelegatingBrain
from inference.engines.cascade.brain.expert_tool import CONSULT_EXPERT
from inference.engines.cascade.counters import Consultation
from inference.engines.cascade.engine import CascadeEngine
from inference.error_code import ErrorCode
from tests.inference.engines.cascade.caller import Caller
from tests.inference.engines.cascade.scripted_brain import ScriptedBrain

pytestmark = pytest.mark.asyncio(loop_scope="session")

BYTES_PER_MS = 48
CALL = FunctionCall("c", CONSULT_EXPERT.name, '{"question": "Who?"}')


@dataclass(slots=True)
class Two:
    fast: ScriptedBrain = field(default_factory=ScriptedBrain)
    expert: ScriptedBrain = field(default_factory=ScriptedBrain)
    counters: Counter[Consultation] = field(default_factory=Counter)


@pytest.fixture
def two(put_brain: Callable[[Brain], None]) -> Two:
    two = Two()
    two.fast.script = ["I will check", CALL]
    put_brain(DelegatingBrain(two.fast, two.expert, 30.0, two.counters, 30.0))
    return two


async def test_the_voice_speaks_while_the_expert_thinks(cascade: CascadeEngine, two: Two) -> None:
    thought = asyncio.Event()
    two.expert.script = [thought, "Paul did."]
    caller = Caller(cascade)
    caller.respond()
    await caller.until(lambda: len(caller.audio()) > 300 * BYTES_PER_MS)
    assert caller.answer() == "I will check. "
    before = len(caller.audio())
    thought.set()
    done = await caller.done()

    assert caller.answer() == "I will check. Paul did."
    assert len(caller.audio()) > before + 300 * BYTES_PER_MS
    assert done.status is DoneStatus.COMPLETED
    assert caller.all(ToolCall) == []
    assert two.counters == {Consultation.ANSWERED: 1}


async def test_the_next_prompt_holds_the_answer_as_one(cascade: CascadeEngine, two: Two) -> None:
    two.expert.script = ["Paul did."]
    caller = Caller(cascade)
    caller.respond()
    await caller.done()
    two.fast.script = ["Yes."]
    caller.respond()
    await caller.done()

    (item,) = two.fast.prompts[-1].history
    assert item.content == "I will check. Paul did."


async def test_a_cancelled_answer_takes_the_question_back(cascade: CascadeEngine, two: Two) -> None:
    two.expert.script = [5.0]
    caller = Caller(cascade)
    caller.respond()
    await caller.until(lambda: two.expert.prompts and caller.audio())
    caller.session.cancel(1, 0)
    outputs = len(caller.outputs)
    await asyncio.sleep(0.1)

    assert (await caller.done()).status is DoneStatus.CANCELLED
    assert len(caller.outputs) == outputs
    assert two.expert.stopped == 1
    assert two.counters == {Consultation.DROPPED: 1}


async def test_an_expert_that_fails_is_apologised_for(cascade: CascadeEngine, two: Two) -> None:
    two.expert.script = [BrainError(ErrorCode.BRAIN_TIMEOUT, "too slow")]
    caller = Caller(cascade)
    caller.respond()
    done = await caller.done()

    assert (done.status, done.reason) == (DoneStatus.FAILED, "brain_timeout")
    assert caller.answer().endswith(BRAIN_APOLOGY)
    assert [error.code for error in caller.all(Error)] == ["brain_timeout"]
    assert two.counters == {Consultation.TIMED_OUT: 1}
