"""A turn ends as a model of how turns sound believes, and else as its words do."""

from collections.abc import Callable
from typing import Protocol

from antiphon_proto.audio_block import BYTES_PER_SAMPLE
from inference.engines.cascade.pre_roll import PreRoll
from inference.engines.cascade.turn_detection.semantic import SemanticDetector
from inference.engines.cascade.turn_detection.turn_detector import (
    TurnSignal,
    VoiceBegan,
    VoiceEnded,
)

ASK_AFTER_MS = 200
"""Silence after which the model is asked: what Smart Turn was trained to hear at the end."""

BEFORE_MS = 500
"""Sound from before the first voiced window that the model hears."""


class Judge(Protocol):
    """Whoever runs the model, for all sessions."""

    @property
    def samples(self) -> int:
        """How much sound the model looks at."""

    def ask(self, pcm: bytes, on_likelihood: Callable[[float | None], None]) -> bool:
        """Answer later, with None when the model failed; False: no answer will come."""


class ModelDetector:
    """A `SemanticDetector` that is told in every pause what the model thinks.

    Until the answer is there the words decide, and so they do when none comes. A session
    for which the model has failed does not ask it again.
    """

    def __init__(self, semantic: SemanticDetector, judge: Judge, rate: int) -> None:
        self._semantic = semantic
        self._judge = judge
        self._ask_after = ASK_AFTER_MS * rate // 1000
        self._before = BEFORE_MS * rate // 1000
        self._sound = PreRoll()
        self._sound_end = 0
        self._began = 0
        self._asked_about: int | None = None
        """`voiced_end` of the pause in which the model was asked last."""
        self._failed = False

    @property
    def voiced_end(self) -> int | None:
        return self._semantic.voiced_end

    @property
    def silence(self) -> int:
        return self._semantic.silence

    def push_audio(self, position: int, pcm: bytes) -> None:
        self._sound.push(position, pcm)
        self._sound_end = position + len(pcm) // BYTES_PER_SAMPLE

    def push_voice(self, probability: float, position: int) -> TurnSignal | None:
        signal = self._semantic.push_voice(probability, position)
        self._sound.forget(position - self._judge.samples)
        if isinstance(signal, VoiceBegan):
            self._began = position - self._before
        elif isinstance(signal, VoiceEnded):
            self._asked_about = None
        elif self.silence == 0:
            self._semantic.believe(None)
        elif self.silence >= self._ask_after and self._asked_about != self.voiced_end:
            self._asked_about = self.voiced_end
            self._ask(position)
        return signal

    def update_text(self, transcript: str) -> None:
        self._semantic.update_text(transcript)

    def predict(self) -> float:
        return self._semantic.predict()

    def reset(self) -> None:
        self._semantic.reset()
        self._asked_about = None

    def _ask(self, position: int) -> None:
        """Have the turn judged as it sounds until sample `position`."""
        if self._failed:
            return
        pause = self.voiced_end

        def take(likelihood: float | None) -> None:
            if likelihood is None:
                self._failed = True
            elif pause == self.voiced_end:
                self._semantic.believe(likelihood)

        sound = self._sound.since(self._began)
        unjudged = max(0, self._sound_end - position) * BYTES_PER_SAMPLE
        self._judge.ask(sound[: len(sound) - unjudged], take)
