"""Conversations with the real cascade: real voice, real recogniser, real synthesiser."""

import asyncio

import numpy as np
import pytest
import soxr

from antiphon_proto.trunk import (
    Done,
    DoneStatus,
    Eagerness,
    Error,
    InputTranscript,
    Ready,
    ResponseStarted,
    SessionConfig,
    SpeechStarted,
    SpeechStopped,
    Stage,
    TextDelta,
    Transcription,
    TurnDetection,
    TurnDetectionKind,
    TurnEnded,
    WordsSpoken,
)
from inference.engine_output import Audio
from inference.engines.cascade.brain.rules import GREETING, NOT_UNDERSTOOD, STILL_THERE
from inference.engines.cascade.counters import CascadeCounters, WorkerKind
from inference.engines.cascade.embedded_recogniser import EmbeddedRecogniser
from inference.engines.cascade.engine import CascadeEngine
from inference.engines.cascade.synthesiser import Synthesiser
from inference.error_code import EngineError, ErrorCode
from tests.inference.engines.cascade.caller import MANUAL, SERVER_VAD, Caller, stopwatch
from tests.inference.engines.cascade.scripted_brain import ScriptedBrain
from tests.inference.user_voice import UserVoice

pytestmark = pytest.mark.asyncio(loop_scope="session")

QUESTION = "what is twelve plus thirty"
ANSWER = "Twelve plus thirty is forty two."


@pytest.mark.parametrize(
    ("voice", "pitch", "words_per_minute"),
    [
        ("en-us", 50, 165),
        ("en", 50, 165),
        ("en-us", 70, 200),
        ("en", 35, 140),
    ],
)
async def test_a_spoken_question_is_answered(
    cascade: CascadeEngine, user: UserVoice, voice: str, pitch: int, words_per_minute: int
) -> None:
    """Sums are misheard now and then, which `bench.inference.answers` measures."""
    question = "what time is it"
    caller = Caller(cascade)
    answer = await caller.ask(user.say(question, voice, pitch, words_per_minute))

    assert answer == "It is three oh five p m."
    assert (await caller.transcript()) == InputTranscript("user-1", question, final=True)
    assert len(caller.audio()) / 48_000 == pytest.approx(2, abs=0.7)


async def test_the_events_of_a_turn_come_in_order(cascade: CascadeEngine, user: UserVoice) -> None:
    caller = Caller(cascade)
    await caller.speak(user.say(QUESTION, after_ms=0))
    await caller.until(lambda: heard_so_far(caller).startswith("what is"))
    await caller.ask(user.silence(800))

    kinds = [
        type(output)
        for output in caller.outputs
        if not (isinstance(output, InputTranscript) and output.final)
    ]
    assert list(dict.fromkeys(kinds)) == [
        Ready,
        SpeechStarted,
        InputTranscript,
        SpeechStopped,
        TurnEnded,
        ResponseStarted,
        TextDelta,
        Audio,
        WordsSpoken,
        Done,
    ]
    partials = [it for it in caller.all(InputTranscript) if not it.final]
    assert {partial.item_id for partial in partials} == {""}


async def test_what_is_told_about_times(cascade: CascadeEngine, user: UserVoice) -> None:
    caller = Caller(cascade)
    await caller.ask(user.say(QUESTION, before_ms=1000, after_ms=800))
    done = await caller.done()

    started, stopped = caller.all(SpeechStarted)[0], caller.all(SpeechStopped)[0]
    ended = caller.all(TurnEnded)[0]
    assert 600 <= started.audio_start_ms <= 850
    assert stopped.audio_end_ms - ended.voiced_end_ms == 15 * 32
    assert [time.stage for time in done.stages] == list(Stage)
    after = [time.after_voiced_end_us for time in done.stages]
    assert after[0] == min(after) > 0
    assert after[-1] == max(after)


async def test_speech_is_noticed_within_a_tenth_of_a_second_of_voice(
    cascade: CascadeEngine, user: UserVoice
) -> None:
    caller = Caller(cascade)
    pcm = user.say("hello", before_ms=1000)
    for start in range(0, len(pcm), 640):
        await caller.speak(pcm[start : start + 640])
        if caller.all(SpeechStarted):
            break

    assert caller.position <= 16_000 * 1.12
    caller.session.close("test")


async def test_tokens_are_counted(cascade: CascadeEngine, user: UserVoice) -> None:
    caller = Caller(cascade)
    await caller.ask(user.say(QUESTION))
    usage = (await caller.done()).usage

    assert 15 <= usage.input_audio_tokens <= 35
    assert usage.output_audio_tokens == pytest.approx(len(caller.audio()) / 48 / 50, abs=1)
    assert usage.output_text_tokens == len(ANSWER) // 4
    assert usage.input_text_tokens == -(-len(QUESTION) // 4)


async def test_a_conversation(cascade: CascadeEngine, user: UserVoice) -> None:
    caller = Caller(cascade)
    assert await caller.ask(user.say("hello")) == GREETING
    assert await caller.ask(user.say("spell cat")) == "Cat is spelled C, A, T."
    assert await caller.ask(user.say("can you repeat that")) == "Cat is spelled C, A, T."
    assert await caller.ask(user.say("what time is it")) == "It is three oh five p m."


async def test_the_agent_can_be_understood(cascade: CascadeEngine, user: UserVoice) -> None:
    """What the agent says, sent to another session, is heard as what it said."""
    agent = Caller(cascade)
    await agent.ask(user.say("repeat after me good morning"))
    listener = Caller(cascade, answers=False)
    await listener.speak(user.silence(300) + _at_16_khz(agent.audio()) + user.silence(800))

    assert (await listener.transcript()).text == "good morning"


def _at_16_khz(pcm: bytes) -> bytes:
    return bytes(soxr.resample(np.frombuffer(pcm, np.int16), 24_000, 16_000).tobytes())


@pytest.mark.parametrize(
    "sentence",
    [
        "parliament approved the budget last night",
        "could you please book me a flight to paris on monday",
        "purple elephants enjoy chocolate",
    ],
)
async def test_speech_from_outside_the_domain_is_refused(
    cascade: CascadeEngine, user: UserVoice, sentence: str
) -> None:
    assert await Caller(cascade).ask(user.say(sentence)) == NOT_UNDERSTOOD


async def test_two_sessions_at_once(cascade: CascadeEngine, user: UserVoice) -> None:
    callers = [Caller(cascade), Caller(cascade)]
    questions = [user.say("spell cat"), user.say("what is ten minus three")]
    answers = await asyncio.gather(
        *(caller.ask(pcm) for caller, pcm in zip(callers, questions, strict=True))
    )

    assert answers == ["Cat is spelled C, A, T.", "Ten minus three is seven."]


async def test_nobody_asked_for_transcripts(cascade: CascadeEngine, user: UserVoice) -> None:
    caller = Caller(cascade, SessionConfig(turn_detection=TurnDetection()))
    assert await caller.ask(user.say(QUESTION)) == ANSWER
    assert caller.all(InputTranscript) == []


async def test_semantic_detection_waits_for_the_end_of_the_sentence(
    cascade: CascadeEngine, user: UserVoice
) -> None:
    detection = TurnDetection(kind=TurnDetectionKind.SEMANTIC_VAD, eagerness=Eagerness.LOW)
    caller = Caller(cascade, SessionConfig(turn_detection=detection, transcription=Transcription()))
    await caller.speak(user.say("what is twelve plus", after_ms=700))
    await caller.until(lambda: heard_so_far(caller).endswith("plus"))
    await caller.speak(user.silence(1500))
    assert caller.all(TurnEnded) == []

    await caller.speak(user.say("thirty", before_ms=0, after_ms=300))
    await caller.until(lambda: heard_so_far(caller).endswith("thirty"))
    assert await caller.ask(user.silence(1500)) == ANSWER


def heard_so_far(caller: Caller) -> str:
    return next((it.text for it in reversed(caller.all(InputTranscript))), "")


class TestTheClientCommits:
    async def test_nothing_is_detected(self, cascade: CascadeEngine, user: UserVoice) -> None:
        caller = Caller(cascade, MANUAL)
        await caller.speak(user.say(QUESTION))
        caller.commit()
        caller.respond()

        assert (await caller.transcript()).text == QUESTION
        await caller.done()
        assert caller.answer() == ANSWER
        assert caller.all(SpeechStarted) == caller.all(TurnEnded) == []

    async def test_a_commit_in_the_middle_of_speech(
        self, cascade: CascadeEngine, user: UserVoice
    ) -> None:
        caller = Caller(cascade, MANUAL)
        await caller.speak(user.say("spell cat", after_ms=0))
        caller.commit()
        await caller.speak(user.say("spell dog", before_ms=100))
        caller.commit()

        assert (await caller.transcript(1)).text == "spell cat"
        assert (await caller.transcript(2)).text == "spell dog"

    async def test_a_commit_with_the_audio_that_it_ends(
        self, cascade: CascadeEngine, user: UserVoice
    ) -> None:
        caller = Caller(cascade, MANUAL)
        caller.session.push_audio(0, user.say("spell cat"))
        caller.commit()

        assert (await caller.transcript()).text == "spell cat"

    async def test_cleared_with_the_audio_that_it_forgets(
        self, cascade: CascadeEngine, user: UserVoice
    ) -> None:
        caller = Caller(cascade, SERVER_VAD)
        pcm = user.say("spell cat", after_ms=200)
        caller.session.push_audio(0, pcm)
        caller.session.clear_input()
        caller.position = len(pcm) // 2
        await caller.speak(user.silence(1000))

        assert caller.all(TurnEnded) == []

    async def test_pauses_are_part_of_the_turn(
        self, cascade: CascadeEngine, user: UserVoice
    ) -> None:
        caller = Caller(cascade, MANUAL)
        await caller.speak(user.say("spell cat", after_ms=1200))
        await caller.speak(user.say("thank you", after_ms=1200))
        caller.commit()

        assert (await caller.transcript()).text == "spell cat thank you"

    async def test_a_turn_without_speech(self, cascade: CascadeEngine, user: UserVoice) -> None:
        caller = Caller(cascade, MANUAL)
        await caller.speak(user.silence(500))
        caller.commit()
        caller.respond()

        assert (await caller.transcript()).text == ""
        done = await caller.done()
        assert caller.answer() == STILL_THERE
        assert done.stages == ()

    async def test_cleared_input_is_forgotten(
        self, cascade: CascadeEngine, user: UserVoice
    ) -> None:
        caller = Caller(cascade, MANUAL)
        await caller.speak(user.say("spell cat"))
        caller.session.clear_input()
        await caller.speak(user.say("spell dog"))
        caller.commit()

        assert (await caller.transcript()).text == "spell dog"


async def test_a_new_configuration_holds_at_once(cascade: CascadeEngine, user: UserVoice) -> None:
    caller = Caller(cascade, MANUAL)
    await caller.speak(user.say("hello"))
    caller.session.clear_input()
    caller.session.update(SERVER_VAD)
    caller.session.update(SERVER_VAD)

    assert await caller.ask(user.say("spell cat")) == "Cat is spelled C, A, T."
    assert len(caller.all(SpeechStarted)) == 1


async def test_a_turn_goes_on_under_a_new_configuration(
    cascade: CascadeEngine, user: UserVoice
) -> None:
    caller = Caller(cascade)
    await caller.speak(user.say("spell cat", after_ms=100))
    caller.session.update(
        SessionConfig(
            turn_detection=TurnDetection(silence_duration_ms=300), transcription=Transcription()
        )
    )
    assert await caller.ask(user.silence(600)) == "Cat is spelled C, A, T."
    assert len(caller.all(SpeechStarted)) == len(caller.all(SpeechStopped)) == 1


async def test_an_answer_before_anything_was_said(cascade: CascadeEngine) -> None:
    caller = Caller(cascade)
    caller.respond()
    done = await caller.done()

    assert caller.answer() == GREETING
    assert (done.status, done.stages) == (DoneStatus.COMPLETED, ())


async def test_one_answer_at_a_time(cascade: CascadeEngine) -> None:
    caller = Caller(cascade)
    caller.respond()
    with pytest.raises(EngineError) as refused:
        caller.respond()
    assert refused.value.code is ErrorCode.RESPONSE_ACTIVE


@pytest.mark.parametrize("closed_when", ["speaking", "answering"])
async def test_a_closed_session_is_silent(
    cascade: CascadeEngine, user: UserVoice, closed_when: str
) -> None:
    caller = Caller(cascade)
    if closed_when == "speaking":
        await caller.speak(user.say(QUESTION, after_ms=0))
    else:
        caller.respond()
    caller.session.close("test")
    outputs = len(caller.outputs)
    await asyncio.sleep(0.2)

    assert len(caller.outputs) == outputs


class TestCrashes:
    """A worker that dies takes its jobs with it, is started again, and that is all."""

    async def test_the_recogniser_dies_in_mid_speech(
        self,
        cascade: CascadeEngine,
        recogniser: EmbeddedRecogniser,
        user: UserVoice,
        counters: CascadeCounters,
    ) -> None:
        restarts = counters.restarts[WorkerKind.RECOGNISER]
        caller = Caller(cascade)
        await caller.speak(user.say(QUESTION, after_ms=0))
        recogniser.workers[0].process.kill()
        await caller.speak(user.silence(800))
        done = await caller.done()

        assert (done.status, done.reason) == (DoneStatus.FAILED, "recognition_failed")
        assert [error.code for error in caller.all(Error)] == [ErrorCode.RECOGNITION_FAILED]
        assert not caller.all(Error)[0].fatal
        assert (await caller.transcript()).error
        assert "say it again" in caller.answer()
        assert caller.audio()

        await _ready(cascade)
        assert await caller.ask(user.say(QUESTION)) == ANSWER
        assert counters.restarts[WorkerKind.RECOGNISER] == restarts + 1

    async def test_the_voice_dies_between_two_sentences(
        self, cascade: CascadeEngine, synthesiser: Synthesiser, brain: ScriptedBrain
    ) -> None:
        first_said = asyncio.Event()
        brain.script = ["One. ", first_said, "Two."]
        caller = Caller(cascade)
        caller.respond()
        await caller.until(lambda: caller.audio())
        synthesiser.process.kill()
        while synthesiser.ready:
            await asyncio.sleep(0.001)
        first_said.set()
        done = await caller.done()

        assert (done.status, done.reason) == (DoneStatus.FAILED, "synthesis_failed")
        assert [error.code for error in caller.all(Error)] == [ErrorCode.SYNTHESIS_FAILED]

        await _ready(cascade)
        caller.respond()
        assert (await caller.done()).status is DoneStatus.COMPLETED


async def _ready(cascade: CascadeEngine) -> None:
    elapsed = stopwatch()
    while cascade.unready_reason() is not None:
        assert elapsed() < 20
        await asyncio.sleep(0.02)
