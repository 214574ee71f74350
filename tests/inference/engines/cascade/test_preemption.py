"""Answers that are begun in a pause: given at once when it ended the turn, else never heard of."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import replace

import pytest
import pytest_asyncio

from antiphon_proto.trunk import (
    DoneStatus,
    Error,
    FunctionCall,
    Item,
    ResponseStarted,
    Role,
    SessionConfig,
    TextDelta,
    ToolCall,
    TurnDetection,
    WordsSpoken,
)
from inference.engine_output import Audio
from inference.engines.cascade.brain.brain import BrainError, CutOff, Effect
from inference.engines.cascade.counters import CascadeCounters, Miss, SpeculationCounters
from inference.engines.cascade.engine import CascadeEngine
from inference.engines.cascade.gate import MAX_HELD_CHARACTERS
from inference.engines.cascade.servers.fallback_voice import FallbackVoice
from inference.engines.cascade.speech import Speech
from inference.engines.cascade.speech_synthesis import Report, SynthesisError, Voice
from inference.engines.cascade.synthesiser import Synthesiser
from inference.error_code import ErrorCode
from tests.inference.engines.cascade.caller import SERVER_VAD, TIMEOUT_S, Caller
from tests.inference.engines.cascade.scripted_brain import ScriptedBrain
from tests.inference.user_voice import UserVoice

pytestmark = pytest.mark.asyncio(loop_scope="session")

GIVEN = (ResponseStarted, TextDelta, Audio, ToolCall, WordsSpoken)
PAUSE_MS = 330
"""Seen as 130 ms of silence, whatever the word before it, and not as 500."""
CALL = FunctionCall("call_1", "look", "{}")


@pytest_asyncio.fixture(loop_scope="session")
async def caller(cascade: CascadeEngine, brain: ScriptedBrain) -> AsyncIterator[Caller]:
    caller = Caller(cascade)
    yield caller
    caller.session.close("test")


@pytest.fixture
def counted(counters: CascadeCounters) -> SpeculationCounters:
    """Counts of this test alone."""
    counters.speculation.__init__()  # type: ignore[misc]
    return counters.speculation


async def eventually(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(TIMEOUT_S):
        while not condition():
            await asyncio.sleep(0.005)


async def pause(caller: Caller, user: UserVoice, brain: ScriptedBrain, text: str) -> None:
    """Say `text`, and fall silent until the brain was asked about it."""
    asked = len(brain.prompts)
    await caller.speak(user.say(text, after_ms=PAUSE_MS))
    await eventually(lambda: len(brain.prompts) > asked)


async def end_turn(caller: Caller, user: UserVoice) -> None:
    turns = caller.turns
    await caller.speak(user.silence(500))
    await caller.until(lambda: caller.turns > turns)


def question(brain: ScriptedBrain, number: int = -1) -> object:
    return brain.prompts[number].history[-1].content


async def test_an_answer_that_was_begun_is_given(
    caller: Caller, brain: ScriptedBrain, user: UserVoice, counted: SpeculationCounters
) -> None:
    await pause(caller, user, brain, "spell cat")
    assert not [output for output in caller.outputs if isinstance(output, GIVEN)]
    await end_turn(caller, user)
    done = await caller.done()

    assert caller.answer() == "Okay."
    assert [question(brain, number) for number in range(len(brain.prompts))] == ["spell cat"]
    assert (counted.started, counted.hits) == (1, 1)
    assert done.usage.output_text_tokens == 2
    assert done.usage.input_audio_tokens > 0
    after = [time.after_voiced_end_us for time in done.stages]
    assert after[-1] == max(after)


async def test_it_waits_for_as_long_as_nobody_asks(
    cascade: CascadeEngine, brain: ScriptedBrain, user: UserVoice
) -> None:
    acted = []
    brain.script = [
        "Let me look. ",
        CALL,
        Effect(lambda: acted.append(1)),
        CutOff("content_filter"),
    ]
    caller = Caller(cascade, answers=False)
    await pause(caller, user, brain, "spell cat")
    await end_turn(caller, user)
    await asyncio.sleep(0.3)
    assert not [output for output in caller.outputs if isinstance(output, GIVEN)]
    assert acted == []

    caller.respond()
    assert (await caller.done()).status is DoneStatus.INCOMPLETE
    assert (caller.answer(), caller.all(ToolCall)) == ("Let me look. ", [ToolCall(1, CALL)])
    assert acted == [1]
    assert len(brain.prompts) == 1
    caller.session.close("test")


async def test_it_is_what_an_answer_without_a_pause_is(
    caller: Caller, cascade: CascadeEngine, brain: ScriptedBrain, user: UserVoice
) -> None:
    brain.script = ["One moment, please. ", "That is ", CALL, "all that there is to say."]
    await pause(caller, user, brain, "spell cat")
    await end_turn(caller, user)
    await caller.done()
    plain = Caller(cascade, SessionConfig())
    await plain.speak(user.say("spell cat"))
    plain.commit()
    plain.respond()
    await plain.done()

    assert texts_and_calls(caller) == texts_and_calls(plain)
    assert len(caller.audio()) == pytest.approx(len(plain.audio()), rel=0.02)
    assert spoken_until(caller) == spoken_until(plain)
    prompt, plain_prompt = brain.prompts
    assert [it.content for it in prompt.history] == [it.content for it in plain_prompt.history]


def spoken_until(caller: Caller) -> list[int]:
    return [word.text_end for spoken in caller.all(WordsSpoken) for word in spoken.words]


def texts_and_calls(caller: Caller) -> list[object]:
    return [output for output in caller.outputs if isinstance(output, TextDelta | ToolCall)]


async def test_who_speaks_on_is_not_answered_yet(
    caller: Caller, brain: ScriptedBrain, user: UserVoice, counted: SpeculationCounters
) -> None:
    acted = []
    brain.script = [Effect(lambda: acted.append(1)), "Never said.", CALL, 60.0]
    await pause(caller, user, brain, "what is twelve")
    brain.script = ["Forty two."]
    await caller.speak(user.say("plus thirty", before_ms=0, after_ms=PAUSE_MS))
    await eventually(lambda: len(brain.prompts) == 2)
    await end_turn(caller, user)
    await caller.done()

    assert caller.answer() == "Forty two."
    assert (await caller.transcript()).text == question(brain)
    assert (acted, caller.all(ToolCall)) == ([], [])
    assert brain.stopped == 1
    assert (counted.started, counted.hits) == (2, 1)
    assert counted.misses == {Miss.SPOKE_ON: 1}
    assert counted.wasted_tokens > 0


def _instructions(caller: Caller) -> None:
    caller.session.update(replace(SERVER_VAD, instructions="Be brief."))


def _item(caller: Caller) -> None:
    caller.session.create_item(Item("typed", Role.USER, "Typed."), "root")


class _FailingVoice:
    def __init__(self, fallback: Voice) -> None:
        self._fallback = fallback

    def fall_back(self) -> Voice:
        return self._fallback

    async def speak(self, text: str) -> AsyncGenerator[Speech]:
        raise SynthesisError("no voice")
        yield Speech()


async def test_a_voice_that_failed_for_nothing_is_no_error(
    cascade: CascadeEngine,
    synthesiser: Synthesiser,
    brain: ScriptedBrain,
    user: UserVoice,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    embedded = synthesiser.voice("")

    def voice(_name: str, _key: str, report: Report, _speed: float) -> Voice:
        return FallbackVoice(_FailingVoice(embedded), report)

    monkeypatch.setattr(synthesiser, "voice", voice)
    caller = Caller(cascade)
    await pause(caller, user, brain, "spell cat")
    await asyncio.sleep(0.1)
    assert caller.all(Error) == []
    await caller.ask(user.say("please"))
    assert [error.code for error in caller.all(Error)] == ["synthesis_failed"]
    assert len(caller.audio()) > 0
    caller.session.close("test")


@pytest.mark.parametrize("change", [_instructions, _item])
async def test_another_question_is_asked_again(
    caller: Caller,
    brain: ScriptedBrain,
    user: UserVoice,
    counted: SpeculationCounters,
    change: Callable[[Caller], None],
) -> None:
    brain.script = ["Never said."]
    await pause(caller, user, brain, "spell cat")
    brain.script = ["Cat."]
    change(caller)
    await end_turn(caller, user)
    await caller.done()

    assert caller.answer() == "Cat."
    assert (counted.hits, counted.misses) == (0, {Miss.PROMPT: 1})
    assert len(brain.prompts) == 2


async def test_a_response_that_asks_for_something_else(
    cascade: CascadeEngine, brain: ScriptedBrain, user: UserVoice, counted: SpeculationCounters
) -> None:
    caller = Caller(cascade, answers=False)
    await pause(caller, user, brain, "spell cat")
    await end_turn(caller, user)
    caller.respond(SessionConfig(text_only=True))
    await caller.done()

    assert (caller.answer(), caller.audio()) == ("Okay.", b"")
    assert counted.misses == {Miss.PROMPT: 1}
    caller.session.close("test")


async def test_a_brain_that_failed_in_the_pause_is_asked_again(
    caller: Caller, brain: ScriptedBrain, user: UserVoice, counted: SpeculationCounters
) -> None:
    brain.script = ["Never ", BrainError(ErrorCode.BRAIN_FAILED, "no luck")]
    await pause(caller, user, brain, "spell cat")
    brain.script = ["Cat."]
    await asyncio.sleep(0.2)
    await end_turn(caller, user)

    assert (await caller.done()).status is DoneStatus.COMPLETED
    assert caller.answer() == "Cat."
    assert counted.misses == {Miss.FAILED: 1}


def _clear(caller: Caller) -> None:
    caller.session.clear_input()


def _close(caller: Caller) -> None:
    caller.session.close("test")


@pytest.mark.parametrize("forget", [_clear, _close])
async def test_input_that_is_forgotten(
    caller: Caller,
    brain: ScriptedBrain,
    user: UserVoice,
    counted: SpeculationCounters,
    forget: Callable[[Caller], None],
) -> None:
    brain.script = ["Never said.", 60.0]
    await pause(caller, user, brain, "spell cat")
    forget(caller)
    await eventually(lambda: brain.stopped)

    assert counted.misses == {Miss.UNASKED: 1}
    assert not [output for output in caller.outputs if isinstance(output, GIVEN)]


async def test_a_long_answer_is_held_in_part(
    caller: Caller, brain: ScriptedBrain, user: UserVoice
) -> None:
    sentence = "This is a sentence that takes about three seconds to say aloud. "
    brain.script = [sentence] * 200
    await pause(caller, user, brain, "spell cat")
    await asyncio.sleep(0.3)
    assert brain.given == -(-MAX_HELD_CHARACTERS // len(sentence))
    await end_turn(caller, user)
    await caller.until(lambda: brain.given == 200)
    caller.session.cancel(1, 0)

    assert (await caller.done()).status is DoneStatus.CANCELLED


async def test_turns_that_nobody_will_answer_are_not_guessed_at(
    cascade: CascadeEngine, brain: ScriptedBrain, user: UserVoice
) -> None:
    config = replace(SERVER_VAD, turn_detection=TurnDetection(create_response=False))
    caller = Caller(cascade, config, answers=False)
    await caller.speak(user.say("spell cat", after_ms=PAUSE_MS))
    await asyncio.sleep(0.3)
    await end_turn(caller, user)
    await caller.transcript()

    assert brain.prompts == []
    caller.session.close("test")
