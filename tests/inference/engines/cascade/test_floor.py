"""Speech while the agent speaks, in the real cascade: who gets the floor, and what is forgotten."""

import asyncio

import pytest
import pytest_asyncio

from antiphon_proto.trunk import (
    FloorTaken,
    Ready,
    SpeechDismissed,
    SpeechStarted,
    SpeechStopped,
    TurnEnded,
)
from inference.engines.cascade.counters import CascadeCounters, Verdict
from inference.engines.cascade.engine import CascadeEngine
from inference.engines.cascade.recogniser import DecodedUtterance
from inference.engines.cascade.speech_recognition import RecognitionError
from tests.inference.engines.cascade.caller import Caller
from tests.inference.engines.cascade.scripted_brain import ScriptedBrain
from tests.inference.user_voice import UserVoice

pytestmark = pytest.mark.asyncio(loop_scope="session")

LISTENING = "um hum"
"""As espeak-ng has to be told to say "mm-hm"."""


@pytest_asyncio.fixture(loop_scope="session")
async def caller(cascade: CascadeEngine, brain: ScriptedBrain) -> Caller:
    """Whom an answer is being given to."""
    brain.script = ["One moment, ", "please. ", 60.0]
    caller = Caller(cascade)
    caller.respond()
    await caller.until(lambda: caller.audio())
    return caller


async def verdict(caller: Caller) -> list[type]:
    """Kinds of events about the user's speech, up to the end of the trial."""
    kinds = (SpeechStarted, SpeechStopped, FloorTaken, SpeechDismissed, TurnEnded)
    await caller.until(lambda: caller.all(TurnEnded) or caller.all(SpeechDismissed))
    return [type(output) for output in caller.outputs if isinstance(output, kinds)]


async def test_the_cascade_says_that_it_judges(caller: Caller) -> None:
    assert caller.all(Ready)[0].judges_interruptions


async def test_a_listener_is_no_turn(
    caller: Caller, user: UserVoice, counters: CascadeCounters
) -> None:
    counters.interruptions.clear()
    await caller.speak(user.say(LISTENING))
    assert await verdict(caller) == [SpeechStarted, SpeechStopped, SpeechDismissed]
    assert counters.interruptions == {Verdict.DISMISSED: 1}
    assert caller.all(SpeechDismissed)[0].audio_end_ms == caller.all(SpeechStopped)[0].audio_end_ms


async def test_what_was_dismissed_is_no_part_of_the_next_turn(
    caller: Caller, user: UserVoice
) -> None:
    await caller.speak(user.say(LISTENING))
    await verdict(caller)
    caller.session.cancel(1, 0)
    await caller.speak(user.say("spell cat"))
    assert (await caller.transcript()).text == "spell cat"


async def test_a_question_takes_the_floor_before_it_ends(
    caller: Caller, user: UserVoice, counters: CascadeCounters
) -> None:
    counters.interruptions.clear()
    await caller.speak(user.say("what time is it today", after_ms=0))
    await caller.until(lambda: caller.all(FloorTaken))
    assert caller.all(TurnEnded) == []
    caller.session.cancel(1, 0)
    await caller.speak(user.silence(800))
    assert await verdict(caller) == [SpeechStarted, FloorTaken, SpeechStopped, TurnEnded]
    assert counters.interruptions == {Verdict.TAKEN: 1}


@pytest.mark.parametrize("word", ["stop", "no"])
async def test_one_word_is_enough(
    caller: Caller, user: UserVoice, counters: CascadeCounters, word: str
) -> None:
    counters.interruptions.clear()
    await caller.speak(user.say(word))
    assert (await verdict(caller))[-1] is TurnEnded
    assert counters.interruptions == {Verdict.TAKEN: 1}


async def test_a_transcript_that_is_lost_is_a_turn(
    caller: Caller, user: UserVoice, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lost(_utterance: DecodedUtterance) -> str:
        raise RecognitionError("lost")

    monkeypatch.setattr(DecodedUtterance, "final", lost)
    await caller.speak(user.say(LISTENING))
    assert (await verdict(caller))[-1] is TurnEnded


async def test_an_answer_that_was_cancelled_cannot_go_on(caller: Caller, user: UserVoice) -> None:
    await caller.speak(user.say(LISTENING, after_ms=0))
    await caller.until(lambda: caller.all(SpeechStarted))
    caller.session.cancel(1, 0)
    await caller.speak(user.silence(800))
    assert await verdict(caller) == [SpeechStarted, SpeechStopped, TurnEnded]


async def test_the_same_sound_is_a_turn_where_the_agent_is_silent(
    cascade: CascadeEngine, user: UserVoice
) -> None:
    caller = Caller(cascade, answers=False)
    await caller.speak(user.say(LISTENING))
    assert await verdict(caller) == [SpeechStarted, SpeechStopped, TurnEnded]


async def test_a_client_that_commits_before_the_verdict_has_the_words(
    caller: Caller, user: UserVoice
) -> None:
    for _ in range(2):
        await caller.speak(user.say("spell cat", after_ms=0))
    caller.commit()
    assert "spell cat" in (await caller.transcript()).text
    await asyncio.sleep(0)
    assert caller.all(SpeechDismissed) == []
