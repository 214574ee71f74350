"""When a full-duplex agent begins to speak, and when it has finished: by words and sound."""

from enum import Enum

VOICED_RMS = 0.01
"""-40 dB of full scale."""
SOUND_STEPS = 2
"""So many voiced steps in a row are speech, words or not."""
PAUSE_STEPS = 3
END_STEPS = 8
"""A pause of 640 ms ends what the agent has to say: within sentences pauses are shorter."""


class SpeechChange(Enum):
    BEGAN = "began"
    ENDED = "ended"


class AgentSpeech:
    """Follows one agent, step by step."""

    def __init__(self) -> None:
        self.speaking = False
        self._voiced_steps = 0
        self._quiet_steps = 0

    @property
    def pausing(self) -> bool:
        """Whether the agent has stopped for now."""
        return self._quiet_steps >= PAUSE_STEPS

    def push(self, rms: float, *, words: bool) -> SpeechChange | None:
        """`words`: text began in this step, of this loudness."""
        if not words and rms < VOICED_RMS:
            self._voiced_steps = 0
            self._quiet_steps += 1
            if self.speaking and self._quiet_steps >= END_STEPS:
                self.speaking = False
                return SpeechChange.ENDED
            return None
        self._quiet_steps = 0
        self._voiced_steps += 1
        if self.speaking or not (words or self._voiced_steps >= SOUND_STEPS):
            return None
        self.speaking = True
        return SpeechChange.BEGAN

    def reset(self) -> None:
        """Take what comes next for the beginning of something new."""
        self.speaking = False
        self._voiced_steps = 0
