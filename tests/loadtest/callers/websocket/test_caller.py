"""A caller and events as a server sends them, by a clock of the test's own."""

import json
import random
from base64 import b64encode

import pytest

from loadtest.callers.heard_events import ServerEventError
from loadtest.callers.silence_watch import SilenceWatch
from loadtest.callers.talk import Conversation
from loadtest.callers.turn_judge import TurnJudge
from loadtest.callers.websocket.append_events import EncodedSpeech
from loadtest.callers.websocket.caller import Caller, Voice
from loadtest.callers.websocket.playout import Playout
from loadtest.measures.interval import Interval
from loadtest.measures.measures import Measures
from loadtest.measures.names import Count, Latency
from loadtest.scenario.scenario import Expect, Talk, TalkModel

QUESTION_FRAMES = 50
FRAME_S = 0.02
TALK = Talk(model=TalkModel.TURNS, expect=Expect.ANSWER, patience_seconds=5.0, pause_seconds=600.0)
FRAME = b64encode(bytes(960)).decode()
VOICE = Voice(EncodedSpeech(((FRAME,) * QUESTION_FRAMES,), FRAME), ((-20.0,) * QUESTION_FRAMES,))


class Call:
    """One whose caller asks one question, from second 0 on."""

    def __init__(self, talk: Talk = TALK) -> None:
        self.now = 0.0
        self.measures = Measures()
        self.caller = Caller(
            VOICE,
            Conversation(talk, [QUESTION_FRAMES], random.Random(1), self.measures, starts_at=0.0),
            TurnJudge(talk, ["four"], self.measures),
            Playout(self.measures, on_schedule_s=0.02),
            SilenceWatch(talk),
            self.measures,
            compares=False,
        )

    def pass_time(self, seconds: float) -> list[str]:
        sent = []
        for _ in range(round(seconds / FRAME_S)):
            if (event := self.caller.say(self.now)) is not None:
                sent.append(event)
            self.now += FRAME_S
        return sent

    def hear(self, type_: str, **members: object) -> bytes | None:
        return self.caller.received(json.dumps({"type": type_, **members}).encode(), self.now)

    def hear_audio(self, seconds: float, response: str = "r") -> None:
        self.hear(
            "response.output_audio.delta",
            response_id=response,
            item_id=f"item of {response}",
            output_index=0,
            content_index=0,
            delta=b64encode(bytes(round(48_000 * seconds))).decode(),
        )

    def hear_transcript(self, words: str, response: str = "r") -> None:
        self.hear(
            "response.output_audio_transcript.done",
            response_id=response,
            item_id="i",
            output_index=0,
            content_index=0,
            transcript=words,
        )

    def hear_done(self, response: str = "r", **metadata: str) -> None:
        audio = {"output": {"format": {"type": "audio/pcm"}, "voice": "v"}}
        members = {
            "id": response,
            "status": "completed",
            "conversation_id": "c",
            "output_modalities": ["audio"],
            "max_output_tokens": "inf",
            "audio": audio,
            "metadata": metadata,
        }
        self.hear("response.done", response=members)

    def over(self) -> tuple[bool, Interval]:
        audible = self.caller.close(self.now)
        return audible, self.measures.take(0)


def test_a_question_is_answered() -> None:
    call = Call()
    sent = call.pass_time(2.0)
    call.hear_transcript("It is four.")
    call.hear_audio(1.0)
    call.hear_done(antiphon_latency_asr_ms="12.5", antiphon_latency_brain_ms="no number")
    call.pass_time(2.0)
    audible, found = call.over()
    assert audible
    assert len(sent) == 50
    assert found.counts[Count.TURNS_RIGHT] == found.counts[Count.TURNS] == 1
    assert found.counts[Count.FRAMES_SENT] == 200
    assert found.counts[Count.FRAMES_RECEIVED] == found.counts[Count.FRAMES_ON_SCHEDULE] == 50
    [voice_to_voice] = _values(found, Latency.VOICE_TO_VOICE)
    assert voice_to_voice == pytest.approx(2.0 - 49 * FRAME_S, rel=0.01)
    assert _values(found, Latency.TURN_ASR) == pytest.approx([0.0125], rel=0.01)
    assert Latency.TURN_BRAIN not in found.latencies


def test_a_wrong_answer_is_told_apart() -> None:
    call = Call()
    call.pass_time(2.0)
    call.hear_audio(1.0)
    call.hear_transcript("I do not know.")
    call.hear_done()
    call.pass_time(2.0)
    _, found = call.over()
    assert found.counts[Count.TURNS_WRONG] == 1


def test_an_interruption_silences_the_answer() -> None:
    talk = Talk(model=TalkModel.TURNS, expect=Expect.ANSWER, barge_in=1.0, barge_in_seconds=0.5)
    call = Call(talk)
    call.pass_time(2.0)
    call.hear_audio(5.0)
    call.pass_time(0.7)
    truncate = call.hear("input_audio_buffer.speech_started", item_id="i", audio_start_ms=0)
    assert truncate is not None
    event = json.loads(truncate)
    assert (event["type"], event["item_id"]) == ("conversation.item.truncate", "item of r")
    assert event["audio_end_ms"] == pytest.approx(700, abs=1)
    call.pass_time(0.1)
    call.hear_audio(1.0)  # Although it was interrupted.
    call.pass_time(1.0)
    _, found = call.over()
    assert found.counts[Count.BARGE_INS] == 1
    # From half a second after the answer began, until its last audio came.
    assert _values(found, Latency.BARGE_IN) == pytest.approx([0.3], abs=0.03)


def test_speech_of_its_own_is_no_interruption() -> None:
    call = Call()
    call.pass_time(1.0)
    assert call.hear("input_audio_buffer.speech_started", item_id="i", audio_start_ms=0) is None


def test_a_server_that_says_nothing_is_told() -> None:
    call = Call()
    call.pass_time(7.0)
    audible, found = call.over()
    assert not audible
    assert found.counts[Count.TURNS_UNANSWERED] == 1


def test_an_answer_that_is_not_due_yet_is_not_missed() -> None:
    call = Call()
    call.pass_time(3.0)
    audible, _ = call.over()
    assert audible


def test_errors_are_counted() -> None:
    call = Call()
    error = {"type": "server_error", "code": "c", "message": "m"}
    call.hear("error", error=error)
    call.hear("rate_limits.updated", rate_limits=[])
    _, found = call.over()
    assert found.counts[Count.ERRORS_RECEIVED] == 1
    assert found.counts[Count.EVENTS_RECEIVED] == 2


def test_what_is_no_event_is_refused() -> None:
    with pytest.raises(ServerEventError):
        Call().caller.received(b"{", 0.0)


def _values(found: Interval, latency: Latency) -> list[float]:
    """Few enough to be told apart."""
    histogram = found.latencies[latency]
    return [seconds for seconds, _ in histogram.cumulative()]
