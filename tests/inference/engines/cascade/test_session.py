"""What a session does with its brain's answers: speech, truncation, failure, memory."""

import asyncio

import pytest

from antiphon_proto.trunk import (
    Done,
    DoneStatus,
    Error,
    FunctionCall,
    FunctionCallOutput,
    Item,
    Role,
    SessionConfig,
    TextDelta,
    Tool,
    ToolCall,
    TurnDetection,
    WordsSpoken,
)
from inference.engine_output import Audio
from inference.engines.cascade import synthesiser as synthesiser_module
from inference.engines.cascade.answer import BRAIN_APOLOGY
from inference.engines.cascade.brain.brain import SILENCE, BrainError, CutOff
from inference.engines.cascade.counters import CascadeCounters
from inference.engines.cascade.engine import CascadeEngine
from inference.engines.cascade.speaker import AHEAD_MS
from inference.engines.cascade.synthesiser import Synthesiser
from inference.engines.cascade.voices import DEFAULT
from inference.engines.cascade.worker_process import WorkerProcess
from inference.error_code import EngineError, ErrorCode
from tests.inference.engines.cascade.caller import Caller
from tests.inference.engines.cascade.scripted_brain import ScriptedBrain
from tests.inference.user_voice import UserVoice

pytestmark = pytest.mark.asyncio(loop_scope="session")

LONG = "This is a sentence that takes about three seconds to say aloud. "


def remembered(brain: ScriptedBrain) -> list[object]:
    """The texts of the conversation that the last prompt held."""
    return [item.content for item in brain.prompts[-1].history]


async def test_speech_starts_while_the_brain_still_thinks(
    cascade: CascadeEngine, brain: ScriptedBrain
) -> None:
    brain.script = ["One moment, ", "please. ", 5.0, "Never said."]
    caller = Caller(cascade)
    caller.respond()
    await caller.until(lambda: len(caller.audio()) > 48 * 500)

    assert caller.answer() == "One moment, please. "
    caller.session.cancel(1, 0)


async def test_a_turn_without_speech_is_a_silence_to_the_brain(
    cascade: CascadeEngine, brain: ScriptedBrain
) -> None:
    caller = Caller(cascade)
    await caller.speak(bytes(32_000))
    caller.commit()
    caller.respond()
    await caller.done()
    assert remembered(brain) == [SILENCE]
    assert (await caller.transcript()).text == ""


async def test_text_only(cascade: CascadeEngine, brain: ScriptedBrain) -> None:
    caller = Caller(cascade, SessionConfig(text_only=True))
    caller.respond()
    assert (await caller.done()).usage.output_audio_tokens == 0
    caller.respond(SessionConfig())
    assert (await caller.done()).usage.output_audio_tokens > 0

    assert {audio.response for audio in caller.all(Audio)} == {2}


class TestCancel:
    async def test_brain_and_voice_stop_at_once(
        self, cascade: CascadeEngine, brain: ScriptedBrain
    ) -> None:
        brain.script = [LONG, LONG, 5.0, LONG]
        caller = Caller(cascade)
        caller.respond()
        await caller.until(lambda: caller.all(Audio))
        caller.session.cancel(1, 20)
        outputs = len(caller.outputs)
        await asyncio.sleep(0.2)

        assert len(caller.outputs) == outputs
        assert caller.outputs[-1] == await caller.done()
        assert (await caller.done()).status is DoneStatus.CANCELLED
        assert brain.stopped == 1

    async def test_the_voice_is_free_for_the_next_answer(
        self, cascade: CascadeEngine, brain: ScriptedBrain
    ) -> None:
        brain.script = [LONG * 5]
        caller = Caller(cascade)
        caller.respond()
        await caller.until(lambda: caller.all(Audio))
        caller.session.cancel(1, 0)
        brain.script = ["Yes."]
        caller.respond()
        done = await caller.done(2)

        assert done.status is DoneStatus.COMPLETED
        late = caller.outputs[caller.outputs.index(await caller.done(1)) :]
        assert not [out for out in late if isinstance(out, Audio) and out.response == 1]
        assert len(caller.audio(2)) < 48 * 1000

    async def test_what_was_not_heard_is_not_remembered(
        self, cascade: CascadeEngine, brain: ScriptedBrain
    ) -> None:
        brain.script = ["First sentence here. ", "Second sentence here. "]
        caller = Caller(cascade)
        caller.respond()
        await caller.done()
        first_ms = len(caller.audio()) // 48 // 2
        caller.session.cancel(1, first_ms)
        caller.respond()
        await caller.done()

        (heard,) = remembered(brain)
        assert isinstance(heard, str)
        assert heard.startswith("First sentence")
        assert "Second sentence here" not in heard

    async def test_truncation_by_item(self, cascade: CascadeEngine, brain: ScriptedBrain) -> None:
        brain.script = ["First sentence here. ", "Second sentence here. "]
        caller = Caller(cascade)
        caller.respond()
        await caller.done()
        caller.session.truncate_item("agent-1", 0)
        caller.session.truncate_item("never-said", 0)
        caller.respond()
        await caller.done()

        assert remembered(brain) == [""]


class TestMemory:
    async def test_the_prompt_holds_the_conversation(
        self, cascade: CascadeEngine, brain: ScriptedBrain, user: UserVoice
    ) -> None:
        config = SessionConfig(
            instructions="Be brief.",
            turn_detection=TurnDetection(),
            tools=(Tool("look", "Looks.", "{}"),),
            tool_choice="none",
            max_output_tokens=99,
        )
        caller = Caller(cascade, config, (Item("h", Role.SYSTEM, "Earlier."),))
        await caller.ask(user.say("hello"))
        caller.session.create_item(Item("x", Role.USER, "Typed."), "h")
        await caller.ask(user.say("spell cat"))

        prompt = brain.prompts[-1]
        assert remembered(brain) == ["Earlier.", "Typed.", "hello", "Okay.", "spell cat"]
        assert [item.id for item in prompt.history] == ["h", "x", "user-1", "agent-1", "user-2"]
        assert prompt.instructions == "Be brief."
        assert (prompt.tools, prompt.tool_choice) == (config.tools, "none")
        assert prompt.max_output_tokens == 99

    async def test_a_turn_after_the_request_is_not_answered_by_it(
        self, cascade: CascadeEngine, brain: ScriptedBrain, user: UserVoice
    ) -> None:
        caller = Caller(cascade, SessionConfig())
        await caller.speak(user.say("spell cat"))
        caller.commit()
        caller.respond()
        caller.commit()
        await caller.done()

        assert remembered(brain) == ["spell cat"]

    async def test_a_response_may_have_its_own_instructions(
        self, cascade: CascadeEngine, brain: ScriptedBrain
    ) -> None:
        caller = Caller(cascade, SessionConfig(instructions="Be brief."))
        caller.respond(SessionConfig(instructions="Be long."))
        await caller.done()

        assert brain.prompts[-1].instructions == "Be long."

    async def test_deleted_items_are_forgotten(
        self, cascade: CascadeEngine, brain: ScriptedBrain
    ) -> None:
        caller = Caller(cascade, history=(Item("h", Role.USER, "Earlier."),))
        caller.session.delete_item("h")
        caller.respond()
        await caller.done()

        assert remembered(brain) == []

    async def test_function_calls(self, cascade: CascadeEngine, brain: ScriptedBrain) -> None:
        call = FunctionCall("call_1", "look", '{"at": "sky"}')
        brain.script = ["Let me look. ", call]
        caller = Caller(cascade)
        caller.respond()
        await caller.done()
        output = FunctionCallOutput("call_1", "blue")
        caller.session.create_item(Item("o", Role.USER, output), "")
        caller.respond()
        await caller.done()

        assert caller.all(ToolCall)[0] == ToolCall(1, call)
        assert remembered(brain) == ["Let me look. ", call, output]

    async def test_the_output_of_a_call_in_an_answer_that_is_still_spoken(
        self, cascade: CascadeEngine, brain: ScriptedBrain
    ) -> None:
        call = FunctionCall("call_1", "look", "{}")
        over = asyncio.Event()
        brain.script = ["Let me look. ", call, over]
        caller = Caller(cascade)
        caller.respond()
        await caller.until(lambda: caller.all(ToolCall))
        output = FunctionCallOutput("call_1", "blue")
        caller.session.create_item(Item("o", Role.USER, output), "")
        over.set()
        await caller.done()
        caller.respond()
        await caller.done()

        assert remembered(brain) == ["Let me look. ", call, output]

    async def test_what_was_typed_while_an_answer_was_spoken_comes_behind_it(
        self, cascade: CascadeEngine, brain: ScriptedBrain
    ) -> None:
        over = asyncio.Event()
        brain.script = ["Let me look. ", over]
        caller = Caller(cascade, history=(Item("h", Role.USER, "Where is it?"),))
        caller.respond()
        await caller.until(lambda: caller.all(TextDelta))
        caller.session.create_item(Item("x", Role.USER, "And the other one?"), "")
        over.set()
        await caller.done()
        caller.respond()
        await caller.done()

        assert remembered(brain) == ["Where is it?", "Let me look. ", "And the other one?"]

    async def test_the_output_of_a_call_that_nobody_made(
        self, cascade: CascadeEngine, brain: ScriptedBrain
    ) -> None:
        caller = Caller(cascade)
        item = Item("o", Role.USER, FunctionCallOutput("call_1", "blue"))
        with pytest.raises(EngineError) as refused:
            caller.session.create_item(item, "")
        assert refused.value.code is ErrorCode.UNKNOWN_CALL
        caller.respond()
        await caller.done()

        assert remembered(brain) == []


class TestHandOff:
    """An answer goes on behind what was heard of it from a replica that is gone."""

    QUESTION = Item("q", Role.USER, "what is twelve plus thirty")

    async def test_the_rules_say_the_rest(self, cascade: CascadeEngine) -> None:
        caller = Caller(cascade, history=(self.QUESTION,))
        caller.respond(said="Twelve plus thirty")
        await caller.done()
        assert caller.answer() == " is forty two."

    async def test_what_was_heard_here_and_there_is_remembered(
        self, cascade: CascadeEngine, brain: ScriptedBrain
    ) -> None:
        brain.script = ["is the second part. ", "And this is the third."]
        heard_there = Item("agent-1", Role.ASSISTANT, "Here")
        caller = Caller(cascade, history=(self.QUESTION, heard_there))
        caller.respond(said="Here")
        await caller.done()
        assert (brain.prompts[0].history, brain.prompts[0].said) == ((self.QUESTION,), "Here")
        first_ms = len(caller.audio()) // 48 // 2
        caller.session.truncate_item("agent-1", first_ms)
        caller.respond()
        await caller.done()

        _question, heard = remembered(brain)
        assert isinstance(heard, str)
        assert heard.startswith("Here is the second")
        assert not heard.endswith("third.")


class TestFailures:
    """Never silence."""

    @pytest.mark.parametrize("code", [ErrorCode.BRAIN_FAILED, ErrorCode.BRAIN_TIMEOUT])
    async def test_a_brain_that_fails(
        self, cascade: CascadeEngine, brain: ScriptedBrain, code: ErrorCode
    ) -> None:
        brain.script = [BrainError(code, "no luck")]
        caller = Caller(cascade)
        caller.respond()
        done = await caller.done()

        assert (done.status, done.reason) == (DoneStatus.FAILED, code.value)
        assert caller.all(Error) == [Error(code, "no luck")]
        assert caller.answer() == BRAIN_APOLOGY
        assert len(caller.audio()) > 48 * 1000

    async def test_a_brain_that_fails_in_mid_sentence(
        self, cascade: CascadeEngine, brain: ScriptedBrain
    ) -> None:
        brain.script = ["The answer is ", BrainError(ErrorCode.BRAIN_FAILED, "gone")]
        caller = Caller(cascade)
        caller.respond()
        await caller.done()

        assert caller.answer() == f"The answer is  {BRAIN_APOLOGY}"

    async def test_a_bug_in_a_brain(self, cascade: CascadeEngine, brain: ScriptedBrain) -> None:
        brain.script = [ZeroDivisionError("bug")]
        caller = Caller(cascade)
        caller.respond()
        done = await caller.done()

        assert (done.status, done.reason) == (DoneStatus.FAILED, "engine_failed")
        assert caller.all(Error) == [Error(ErrorCode.ENGINE_FAILED, "the engine failed")]
        caller.respond()
        await caller.done(2)

    async def test_an_answer_that_was_cut_off(
        self, cascade: CascadeEngine, brain: ScriptedBrain
    ) -> None:
        brain.script = ["And then", CutOff("max_output_tokens")]
        caller = Caller(cascade)
        caller.respond()
        done = await caller.done()

        assert (done.status, done.reason) == (DoneStatus.INCOMPLETE, "max_output_tokens")


async def test_the_voice_does_not_run_far_ahead_of_what_is_played(
    cascade: CascadeEngine, brain: ScriptedBrain
) -> None:
    brain.script = [LONG] * 20
    caller = Caller(cascade, SessionConfig(output_credit_ms=200))
    caller.respond()
    await asyncio.sleep(0.5)
    ahead_ms = len(caller.audio()) // 48
    assert AHEAD_MS < ahead_ms < AHEAD_MS + 10_000
    assert caller.all(Done) == []

    while not caller.all(Done):
        caller.session.played(1, len(caller.audio()) // 48)
        await asyncio.sleep(0.05)
    assert len(caller.audio()) // 48 > 2 * AHEAD_MS
    assert caller.answer() == LONG * 20


async def test_one_long_piece_does_not_run_ahead_either(
    cascade: CascadeEngine, brain: ScriptedBrain
) -> None:
    brain.script = ["9 " * 240]
    caller = Caller(cascade, SessionConfig(output_credit_ms=200))
    caller.respond()
    await caller.until(lambda: len(caller.audio()) // 48 > AHEAD_MS)
    await asyncio.sleep(0.3)
    assert len(caller.audio()) // 48 < AHEAD_MS + 1000
    caller.session.played(1, 10_000)
    await caller.until(lambda: len(caller.audio()) // 48 > AHEAD_MS + 10_000)
    caller.session.cancel(1, 0)


async def test_a_voice_that_is_busy_is_waited_for(
    cascade: CascadeEngine,
    synthesiser: Synthesiser,
    counters: CascadeCounters,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(synthesiser_module, "CHUNK_TIMEOUT_S", 0.1)
    # However seldom the machine lets it speak, it is not taken for a stuck one.
    monkeypatch.setattr(WorkerProcess, "silent_s", 0.0)
    restarts = counters.restarts.total()

    async def speak(text: str) -> int:
        return sum([len(part.pcm) async for part in synthesiser.speak(text, DEFAULT)])

    long, short = await asyncio.gather(speak("9 " * 1000), speak("Yes."))
    assert long > short > 0
    assert counters.restarts.total() == restarts


async def test_an_answer_tells_where_its_words_are(
    cascade: CascadeEngine, brain: ScriptedBrain
) -> None:
    brain.script = ["It is **twelve** o'clock. ", "And half."]
    caller = Caller(cascade)
    caller.respond()
    await caller.done()

    words = [word for spoken in caller.all(WordsSpoken) for word in spoken.words]
    text = caller.answer()
    assert [text[: word.text_end].split()[-1] for word in words] == [
        "It",
        "is",
        "**twelve",
        "o'clock.",
        "And",
        "half.",
    ]
    ends = [word.audio_end_ms for word in words]
    assert ends == sorted(ends)
    assert ends[-1] <= len(caller.audio()) / 48


async def test_pieces_are_pauses_apart(cascade: CascadeEngine, brain: ScriptedBrain) -> None:
    lengths = []
    for script in (["Yes. "], ["Yes. ", "Yes. "]):
        brain.script = list(script)
        caller = Caller(cascade)
        caller.respond()
        await caller.done()
        lengths.append(len(caller.audio()) // 48)

    assert lengths[1] - 2 * lengths[0] == pytest.approx(200, abs=5)


async def test_markup_is_text_but_not_spoken(cascade: CascadeEngine, brain: ScriptedBrain) -> None:
    lengths = []
    for text in ("Hello there. ", "**Hello** there. \n\n***\n"):
        brain.script = [text]
        caller = Caller(cascade)
        caller.respond()
        await caller.done()
        assert "".join(delta.text for delta in caller.all(TextDelta)) == text
        lengths.append(len(caller.audio()))

    assert lengths[0] == pytest.approx(lengths[1], abs=48)
