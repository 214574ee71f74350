"""Answers beside the conversation, and answers to another context than it."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from antiphon_proto.trunk import (
    Done,
    DoneStatus,
    Error,
    FunctionCall,
    Item,
    Respond,
    Role,
    SessionConfig,
    TextDelta,
    ToolCall,
    ToolCallDelta,
)
from inference.engine_output import Audio
from inference.engines.cascade.asides import MAX_ASIDES
from inference.engines.cascade.brain.brain import BrainError, FunctionCallDelta
from inference.engines.cascade.engine import CascadeEngine
from inference.error_code import EngineError, ErrorCode
from tests.inference.engines.cascade.caller import MANUAL, Caller
from tests.inference.engines.cascade.scripted_brain import ScriptedBrain
from tests.inference.user_voice import UserVoice

pytestmark = pytest.mark.asyncio(loop_scope="session")

TEXT_ONLY = SessionConfig(text_only=True)
HISTORY = (Item("h", Role.USER, "Where is it?"),)


@pytest_asyncio.fixture(loop_scope="session")
async def caller(cascade: CascadeEngine, brain: ScriptedBrain) -> AsyncIterator[Caller]:
    caller = Caller(cascade, TEXT_ONLY, HISTORY)
    yield caller
    caller.session.close("over")


def aside(
    caller: Caller, *context: Item, config: SessionConfig | None = None, own: bool = True
) -> int:
    """Ask for an answer out of band; its number."""
    caller.responses += 1
    request = Respond(
        caller.responses, "beside", config, context=context if own else None, out_of_band=True
    )
    caller.session.respond(request)
    return caller.responses


def history(brain: ScriptedBrain, prompt: int = -1) -> list[object]:
    return [item.content for item in brain.prompts[prompt].history]


async def test_it_is_given_beside_the_answer_and_the_conversation_forgets_it(
    caller: Caller, brain: ScriptedBrain
) -> None:
    over = asyncio.Event()
    brain.script = ["Here", over, "."]
    caller.respond()
    await caller.until(lambda: caller.all(TextDelta))
    brain.script = ["calm"]
    beside = aside(caller, Item("own", Role.USER, "Classify."))
    await caller.done(beside)
    assert caller.answer(beside) == "calm"
    assert [done.response for done in caller.all(Done)] == [beside]
    over.set()
    await caller.done(1)
    assert caller.answer(1) == "Here."
    caller.respond()
    await caller.done()
    assert history(brain, 1) == ["Classify."]
    assert history(brain) == ["Where is it?", "Here."]


async def test_several_are_given_at_once_and_only_so_many(
    caller: Caller, brain: ScriptedBrain
) -> None:
    over = asyncio.Event()
    brain.script = [over, "Okay."]
    numbers = [aside(caller) for _ in range(MAX_ASIDES)]
    with pytest.raises(EngineError):
        aside(caller)
    over.set()
    for number in numbers:
        assert (await caller.done(number)).status is DoneStatus.COMPLETED
    assert (await caller.done(aside(caller))).status is DoneStatus.COMPLETED


async def test_without_a_context_of_its_own_it_is_about_the_conversation(
    caller: Caller, brain: ScriptedBrain
) -> None:
    await caller.done(aside(caller, own=False))
    assert history(brain) == ["Where is it?"]
    assert not brain.prompts[-1].own_context


async def test_an_empty_context_holds_nothing(caller: Caller, brain: ScriptedBrain) -> None:
    await caller.done(aside(caller))
    assert history(brain) == []
    assert brain.prompts[-1].own_context


async def test_an_answer_of_the_conversation_may_have_another_context(
    caller: Caller, brain: ScriptedBrain
) -> None:
    brain.script = ["Sure."]
    caller.responses += 1
    own = (Item("own", Role.USER, "Say sure."),)
    caller.session.respond(Respond(1, "agent-1", context=own))
    await caller.done()
    assert history(brain) == ["Say sure."]
    caller.respond()
    await caller.done()
    assert history(brain) == ["Where is it?", "Sure."]


async def test_speech_that_is_referred_to_before_its_words_are_known(
    cascade: CascadeEngine, brain: ScriptedBrain, user: UserVoice
) -> None:
    caller = Caller(cascade, MANUAL)
    await caller.speak(user.say("what time is it"))
    caller.commit()
    unheard = Item("user-1", Role.USER, "")
    await caller.done(aside(caller, unheard, config=TEXT_ONLY))
    assert history(brain) == [(await caller.transcript()).text]
    caller.session.close("over")


async def test_it_has_a_configuration_of_its_own(caller: Caller, brain: ScriptedBrain) -> None:
    config = SessionConfig(instructions="Classify.", parallel_tool_calls=False)
    beside = aside(caller, config=config)
    await caller.done(beside)
    assert brain.prompts[-1].instructions == "Classify."
    assert not brain.prompts[-1].parallel_tool_calls
    assert caller.audio(beside)


async def test_cancelling_it_is_nothing_to_the_conversation(
    caller: Caller, brain: ScriptedBrain
) -> None:
    over = asyncio.Event()
    brain.script = ["Here", over, "."]
    caller.respond()
    beside = aside(caller)
    await caller.until(lambda: len(caller.all(TextDelta)) == 2)
    caller.session.cancel(beside, 0)
    assert (await caller.done(beside)).status is DoneStatus.CANCELLED
    over.set()
    assert (await caller.done(1)).status is DoneStatus.COMPLETED


async def test_one_that_fails_says_so_and_does_not_apologise(
    caller: Caller, brain: ScriptedBrain
) -> None:
    brain.script = [BrainError(ErrorCode.BRAIN_FAILED, "no")]
    beside = aside(caller, config=SessionConfig())
    done = await caller.done(beside)
    assert (done.status, done.reason) == (DoneStatus.FAILED, "brain_failed")
    assert caller.answer(beside) == ""
    assert caller.all(Audio) == []
    assert [error.code for error in caller.all(Error)] == ["brain_failed"]


async def test_arguments_are_given_as_they_are_written(
    caller: Caller, brain: ScriptedBrain
) -> None:
    call = FunctionCall("call_a", "look", '{"at": 1}')
    brain.script = [FunctionCallDelta("call_a", "look", '{"at"'), call]
    caller.respond()
    usage = (await caller.done()).usage
    assert caller.all(ToolCallDelta) == [ToolCallDelta(1, "call_a", "look", '{"at"')]
    assert caller.all(ToolCall) == [ToolCall(1, call)]
    assert usage.output_text_tokens > 0


async def test_its_end_is_the_sessions_end(caller: Caller, brain: ScriptedBrain) -> None:
    brain.script = [asyncio.Event()]
    aside(caller)
    await asyncio.sleep(0)
    caller.session.close("over")
    await asyncio.sleep(0)
    assert brain.stopped == len(brain.prompts)
