"""What a full-duplex session makes of its model's steps, its user's voice and its transceiver."""

from collections.abc import Callable

import numpy as np
import pytest

from antiphon_proto.trunk import (
    Done,
    DoneStatus,
    InputTranscript,
    Respond,
    ResponseProposed,
    ResponseStarted,
    SessionConfig,
    SpeechDismissed,
    SpeechStarted,
    SpeechStopped,
    Stage,
    TextDelta,
    Transcription,
    TurnDetection,
    TurnEnded,
    WordEnd,
    WordsSpoken,
)
from inference.engine_output import Audio, EngineOutput
from inference.engines.cascade.counters import CascadeCounters
from inference.engines.cascade.vad import STATE_SHAPE, VoiceBatch
from inference.engines.native.model_messages import AgentStep
from inference.engines.native.session import HOLD_STEPS, WAIT_STEPS, NativeSession
from inference.error_code import EngineError, ErrorCode

PCM = b"\1\0" * 1920
SILENT = AgentStep(0.0, "", bytes(3840))
HUM = AgentStep(0.1, "", PCM)
DETECTING = SessionConfig(turn_detection=TurnDetection(silence_duration_ms=500))
QUESTION, PAUSE = 0.5, 0.0


def word(text: str) -> AgentStep:
    return AgentStep(0.1, "\u2581" + text, PCM)


class LoudnessModel:
    """Takes what is loud for voice."""

    def run(self, inputs: np.ndarray, states: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return (np.abs(inputs[:, 64:]).max(axis=1) > 0.1).astype(np.float32), states


class Talk:
    """A session whose two parties tests play: 80 ms at a time, on one clock."""

    def __init__(self, config: SessionConfig = DETECTING, *, answers: bool = True) -> None:
        assert STATE_SHAPE[1] == 1
        self.outputs: list[EngineOutput] = []
        self.frames: list[bytes] = []
        self.left = 0
        self.now = 0.0
        self.position = 0
        self.responses = 0
        self._answers = answers
        self._due: list[Callable[[], None]] = []
        self.session = NativeSession(
            config,
            batch=VoiceBatch(LoudnessModel(), CascadeCounters(), self._due.append),  # type: ignore[arg-type]
            hear=self.frames.append,
            leave=self._leave,
            emit=self._take,
            clock=lambda: self.now,
        )

    def go(self, *steps: AgentStep, user: float = PAUSE) -> None:
        """Both hear each other for 80 ms a step."""
        for step in steps:
            samples = np.sin(np.arange(1920) / 10) * user * 32767
            self.session.push_audio(self.position, samples.astype("<i2").tobytes())
            self.position += 1920
            self.now += 0.08
            while self._due:
                self._due.pop(0)()
            self.session.step(step)

    def respond(self) -> None:
        self.responses += 1
        self.session.respond(Respond(self.responses, f"agent_{self.responses}"))

    def kinds(self) -> list[str]:
        """Of what came, audio and deltas in a row once."""
        names = [type(output).__name__ for output in self.outputs]
        return [name for at, name in enumerate(names) if at == 0 or names[at - 1] != name]

    def last(self, kind: type[EngineOutput]) -> EngineOutput:
        return next(output for output in reversed(self.outputs) if isinstance(output, kind))

    def done(self) -> Done:
        done = self.last(Done)
        assert isinstance(done, Done)
        return done

    def text(self) -> str:
        return "".join(each.text for each in self.outputs if isinstance(each, TextDelta))

    def steps_given(self) -> int:
        return sum(isinstance(each, Audio) for each in self.outputs)

    def _take(self, output: EngineOutput) -> None:
        self.outputs.append(output)
        if isinstance(output, TurnEnded):
            self._due.append(lambda: self.session.commit("user_1"))
        if self._answers and isinstance(output, TurnEnded | ResponseProposed):
            self._due.append(self.respond)

    def _leave(self) -> None:
        self.left += 1


def test_a_turn_and_its_answer() -> None:
    talk = Talk()
    talk.go(*[SILENT] * 10, user=QUESTION)
    talk.go(*[SILENT] * 8)
    talk.go(word("It"), HUM, word("is"), word("noon"), HUM, *[SILENT] * 8)
    assert talk.kinds() == [
        "SpeechStarted",
        "SpeechStopped",
        "TurnEnded",
        "ResponseStarted",
        "Audio",
        "TextDelta",
        "Audio",
        "WordsSpoken",
        "TextDelta",
        "Audio",
        "WordsSpoken",
        "TextDelta",
        "Audio",
        "WordsSpoken",
        "Done",
    ]
    assert talk.text() == "It is noon"
    done = talk.done()
    assert (done.response, done.status) == (1, DoneStatus.COMPLETED)
    assert (done.usage.output_audio_tokens, done.usage.output_text_tokens) == (13, 3)
    assert done.usage.input_audio_tokens == 31
    assert talk.steps_given() == 13
    reached = {time.stage: time.after_voiced_end_us for time in done.stages}
    assert list(reached) == [Stage.TURN_ENDED, Stage.RESPOND, Stage.FIRST_TEXT, Stage.FIRST_AUDIO]
    assert list(reached.values()) == sorted(reached.values())
    assert 400_000 < reached[Stage.TURN_ENDED] < 700_000
    words = [output.words[0] for output in talk.outputs if isinstance(output, WordsSpoken)]
    assert words == [WordEnd(2, 240), WordEnd(5, 320), WordEnd(10, 1040)]
    assert len(talk.frames) == talk.position // 1920


def test_an_agent_that_begins_in_a_pause_ends_the_turn() -> None:
    talk = Talk()
    talk.go(*[SILENT] * 10, user=QUESTION)
    talk.go(*[SILENT] * 3)
    assert talk.kinds() == ["SpeechStarted"]
    talk.go(word("Sure"), HUM)
    assert talk.kinds()[:4] == ["SpeechStarted", "SpeechStopped", "TurnEnded", "ResponseStarted"]
    assert talk.text() == "Sure"
    assert ResponseProposed() not in talk.outputs


def test_an_agent_that_interrupts_proposes() -> None:
    talk = Talk(answers=False)
    talk.go(*[SILENT] * 10, user=QUESTION)
    talk.go(word("Wait"), HUM, user=QUESTION)
    assert talk.kinds() == ["SpeechStarted", "ResponseProposed"]
    talk.respond()
    talk.go(HUM, *[SILENT] * 8)
    assert talk.done().response == 1
    assert isinstance(talk.last(TurnEnded), TurnEnded)


def test_speech_that_nobody_asks_for_is_held_and_then_dropped() -> None:
    talk = Talk(answers=False)
    talk.go(word("Hello"), *[HUM] * HOLD_STEPS)
    assert talk.outputs == [ResponseProposed()]
    talk.respond()
    talk.go(*[HUM] * 3)
    assert talk.steps_given() == 0, "in mid-sentence nothing begins"
    talk.go(*[SILENT] * 4, word("Hello"))
    assert talk.text() == "Hello"


def test_held_speech_is_given_whole() -> None:
    talk = Talk(answers=False)
    talk.go(SILENT, word("Hi"), HUM, HUM, *[SILENT] * 9)
    assert talk.steps_given() == 0
    talk.respond()
    assert talk.text() == "Hi"
    assert talk.steps_given() == 12
    assert talk.done().status is DoneStatus.COMPLETED


@pytest.mark.parametrize(
    "request_", [Respond(1, "a", out_of_band=True), Respond(1, "a", context=())]
)
def test_the_model_answers_nothing_but_what_it_hears(request_: Respond) -> None:
    talk = Talk(answers=False)
    with pytest.raises(EngineError) as refused:
        talk.session.respond(request_)
    assert refused.value.code is ErrorCode.UNSUPPORTED_RESPONSE


def test_a_listeners_aside_is_no_turn() -> None:
    talk = Talk()
    talk.go(word("So"), *[HUM] * 3)
    talk.go(HUM, HUM, user=QUESTION)
    talk.go(*[HUM] * 8)
    assert isinstance(talk.last(SpeechDismissed), SpeechDismissed)
    assert TurnEnded not in map(type, talk.outputs)
    assert Done not in map(type, talk.outputs)


def test_an_agent_that_yields_is_done_and_answers_anew() -> None:
    talk = Talk()
    talk.go(word("So"), *[HUM] * 3)
    talk.go(*[SILENT] * 12, user=QUESTION)
    assert talk.done().status is DoneStatus.COMPLETED
    talk.go(*[SILENT] * 4)
    talk.go(word("Yes"), HUM)
    assert talk.last(ResponseStarted) == ResponseStarted(2)
    assert talk.last(TextDelta) == TextDelta(2, "Yes")


def test_a_cancelled_response_is_dropped_until_a_pause() -> None:
    talk = Talk()
    talk.go(word("One"), *[HUM] * 3)
    talk.session.cancel(1, 100)
    assert talk.done() == Done(1, DoneStatus.CANCELLED, usage=talk.done().usage)
    given = talk.steps_given()
    talk.go(*[HUM] * 5, SILENT, SILENT, HUM)
    assert talk.steps_given() == given
    talk.go(SILENT, SILENT, SILENT, word("Two"), HUM)
    assert talk.last(TextDelta) == TextDelta(2, "Two")


def test_a_turn_of_the_user_ends_the_dropping() -> None:
    """A model that never pauses is heard again once it was spoken to."""
    talk = Talk()
    talk.go(word("One"), *[HUM] * 3)
    talk.session.cancel(1, 100)
    talk.go(*[HUM] * 6, user=QUESTION)
    talk.go(*[HUM] * 9)
    assert talk.last(ResponseStarted) == ResponseStarted(2)
    assert talk.last(Audio).response == 2  # type: ignore[union-attr]


def test_an_agent_that_has_nothing_to_say() -> None:
    talk = Talk()
    talk.go(*[SILENT] * 10, user=QUESTION)
    talk.go(*[SILENT] * (8 + WAIT_STEPS))
    assert talk.done().status is DoneStatus.COMPLETED
    assert talk.steps_given() == 0


def test_a_user_that_says_more_takes_the_turn_back() -> None:
    talk = Talk()
    talk.go(*[SILENT] * 10, user=QUESTION)
    talk.go(*[SILENT] * 8)
    talk.go(*[SILENT] * 4, user=QUESTION)
    assert talk.done() == Done(1, DoneStatus.CANCELLED, "", talk.done().usage, talk.done().stages)
    talk.go(*[SILENT] * 4, word("Yes"), HUM)
    assert talk.last(ResponseStarted) == ResponseStarted(2)


def test_a_client_that_ends_turns_itself() -> None:
    talk = Talk(SessionConfig(), answers=False)
    talk.go(*[SILENT] * 10, user=QUESTION)
    talk.go(*[SILENT] * 8)
    assert talk.outputs == []
    talk.session.commit("user_1")
    talk.respond()
    talk.go(word("Yes"), HUM)
    assert talk.kinds() == ["ResponseStarted", "Audio", "TextDelta", "Audio"]


def test_text_only() -> None:
    talk = Talk(SessionConfig(turn_detection=TurnDetection(), text_only=True))
    talk.go(word("Hello"), HUM, *[SILENT] * 8)
    assert talk.text() == "Hello"
    assert talk.steps_given() == 0
    assert talk.done().usage.output_audio_tokens == 0


def test_a_limit_of_tokens() -> None:
    talk = Talk(SessionConfig(turn_detection=TurnDetection(), max_output_tokens=6))
    talk.go(word("Hello"), *[HUM] * 10)
    assert (talk.done().status, talk.done().reason) == (DoneStatus.INCOMPLETE, "max_output_tokens")
    assert talk.steps_given() <= 6


def test_transcripts_of_the_user_are_refused() -> None:
    talk = Talk(SessionConfig(transcription=Transcription()))
    talk.session.commit("user_1")
    transcript = talk.last(InputTranscript)
    assert isinstance(transcript, InputTranscript)
    assert (transcript.item_id, transcript.final) == ("user_1", True)
    assert transcript.error


def test_one_response_at_a_time() -> None:
    talk = Talk(answers=False)
    talk.respond()
    with pytest.raises(EngineError):
        talk.respond()


def test_detection_that_changes_in_mid_turn_still_ends_it() -> None:
    talk = Talk()
    talk.go(*[SILENT] * 10, user=QUESTION)
    talk.session.update(SessionConfig(turn_detection=TurnDetection(silence_duration_ms=200)))
    talk.go(*[SILENT] * 4)
    assert [type(each) for each in talk.outputs[:3]] == [SpeechStarted, SpeechStopped, TurnEnded]


def test_a_closed_session_is_silent() -> None:
    talk = Talk()
    talk.session.close("test")
    talk.go(word("Hello"), HUM)
    assert talk.outputs == []
    assert talk.left == 1
