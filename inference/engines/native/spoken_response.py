"""One response of a full-duplex agent: what it said so far, and where its words lie."""

from dataclasses import dataclass, field

from antiphon_proto.trunk import Respond, Stage, TextDelta, Usage, WordEnd, WordsSpoken
from inference.engine import Emit
from inference.engine_output import Audio
from inference.engines.native.model_messages import AgentStep
from inference.engines.native.step import STEP_MS


@dataclass(slots=True)
class SpokenResponse:
    """Passes a run of the agent's speech on."""

    request: Respond
    emit: Emit
    text_only: bool
    reached: dict[Stage, float]
    text: str = ""
    steps: int = 0
    """Of 80 ms; none while the agent has not begun."""
    pieces: int = 0
    waited: int = 0
    """Steps in which the agent was waited for."""
    _told_text: int = field(default=0)

    @property
    def response(self) -> int:
        return self.request.response

    def say(self, text: str, step: AgentStep, now: float) -> None:
        """Give a step and the text that begins in it."""
        if not self.text:
            text = text.lstrip()
        if text:
            self._write(text, now)
        # The first steps of a conversation have no sound yet.
        self.steps += bool(step.pcm)
        if step.pcm and not self.text_only:
            self.reached.setdefault(Stage.FIRST_AUDIO, now)
            self.emit(Audio(self.response, step.pcm))

    def finish(self) -> None:
        """Tell where the last word ended."""
        self._tell_words()

    def usage(self, input_steps: int) -> Usage:
        """In the model's own tokens: 12.5 a second of audio."""
        audio = 0 if self.text_only else self.steps
        return Usage(
            input_audio_tokens=input_steps,
            output_text_tokens=self.pieces,
            output_audio_tokens=audio,
        )

    def _write(self, text: str, now: float) -> None:
        self.reached.setdefault(Stage.FIRST_TEXT, now)
        if text.startswith(" "):
            self._tell_words()
        self.text += text
        self.pieces += 1
        self.emit(TextDelta(self.response, text))

    def _tell_words(self) -> None:
        """The words written so far end where the next begins."""
        if len(self.text) > self._told_text and not self.text_only:
            self._told_text = len(self.text)
            end = WordEnd(self._told_text, self.steps * STEP_MS)
            self.emit(WordsSpoken(self.response, (end,)))
