"""The user's turns in a full-duplex conversation, as the Realtime API needs them.

The model needs no turns. They are found for the client: by the pause that the
session asks for, or, sooner, by the agent that begins to speak in a pause: the
model's own judgement. Speech that the agent speaks over from its begin to its end
was no turn: a listener's "mm-hm".
"""

from collections.abc import Callable

import numpy as np
import soxr

from antiphon_proto.trunk import (
    Error,
    SessionConfig,
    SpeechDismissed,
    SpeechStarted,
    SpeechStopped,
    Stage,
    StageTime,
    TurnDetectionKind,
    TurnEnded,
)
from inference.engine import Emit
from inference.engines.cascade.arrivals import Arrivals
from inference.engines.cascade.turn_detection.silence import SilenceDetector
from inference.engines.cascade.turn_detection.turn_detector import VoiceBegan, VoiceEnded
from inference.engines.cascade.vad import SAMPLE_RATE, WINDOW_SAMPLES, VoiceBatch, VoiceStream
from inference.engines.native.step import SAMPLE_RATE as INPUT_RATE
from inference.error_code import ErrorCode

SAMPLES_PER_MS = SAMPLE_RATE // 1000
SEMANTIC_SILENCE_MS = 800
"""Nothing is known of the words, but the model answers when it finds the turn whole."""
YIELD_MS = 160
"""An agent that begins in a pause of this length answers; in a shorter one it interrupts."""

FAILED = Error(ErrorCode.ENGINE_FAILED, "the engine failed", fatal=True)


class UserTurns:
    """Hears one session's user beside the model."""

    def __init__(
        self,
        config: SessionConfig,
        batch: VoiceBatch,
        emit: Emit,
        clock: Callable[[], float],
    ) -> None:
        self._batch = batch
        self._emit = emit
        self._clock = clock
        self._voice = VoiceStream(self._judge, lambda: emit(FAILED))
        self._resampler = _resampler()
        self._next_input = 0
        self._position = 0
        self._arrivals = Arrivals()
        self._heard_until = 0
        self._agent_speaks = False
        self._spoken_over = False
        self._voiced_arrival: float | None = None
        self._ended_at: float | None = None
        self._configure(config)

    @property
    def going_on(self) -> bool:
        """Whether a turn was reported as begun and not as ended."""
        return self._reports and self._detector.voiced_end is not None

    def update(self, config: SessionConfig) -> None:
        """Detect turns differently; one that was reported as begun still ends."""
        going_on = self.going_on and config.turn_detection is not None
        voiced_end = self._detector.voiced_end if going_on else None
        self._configure(config, voiced_end)

    def push_audio(self, position: int, pcm: bytes) -> None:
        """Hear 16 bit samples at the engine's input rate, the first of which is `position`."""
        if position != self._next_input:
            self._resampler = _resampler()
            self._position = position * SAMPLE_RATE // INPUT_RATE
        samples = np.frombuffer(pcm, "<i2")
        self._next_input = position + len(samples)
        heard = self._resampler.resample_chunk(samples)
        self._batch.push(self._voice, self._position, heard.tobytes())
        self._position += len(heard)

    def agent_began(self) -> bool:
        """The agent begins to speak; whether it thereby ended the user's turn."""
        self._agent_speaks = True
        voiced_end = self._detector.voiced_end
        if not self._reports or voiced_end is None:
            return False
        if self._heard_until - voiced_end < YIELD_MS * SAMPLES_PER_MS:
            return False
        self._detector.reset()
        self._end(voiced_end, self._heard_until)
        return True

    def agent_ended(self) -> None:
        """The agent is silent: whatever the user says on is no aside."""
        self._agent_speaks = False
        self._spoken_over = False

    def commit(self) -> None:
        """End a turn that goes on, where the client ends turns itself."""
        voiced_end = self._detector.voiced_end
        if voiced_end is not None and not self._reports:
            self._voiced_arrival = self._arrivals.of(voiced_end)
            self._ended_at = self._clock()
            self._detector.reset()

    def clear(self) -> None:
        """Forget a turn that has begun."""
        self._detector.reset()

    def close(self) -> None:
        self._voice.closed = True

    def stages(self, reached: dict[Stage, float]) -> tuple[StageTime, ...]:
        """Since the last voiced sample of the turn before; empty where there was none."""
        arrival, ended_at = self._voiced_arrival, self._ended_at
        if arrival is None or ended_at is None:
            return ()
        self._voiced_arrival = None
        times = {Stage.TURN_ENDED: ended_at, **reached}
        return tuple(
            StageTime(stage, max(0, round((times[stage] - arrival) * 1e6)))
            for stage in Stage
            if stage in times
        )

    @property
    def _reports(self) -> bool:
        return self._config.turn_detection is not None

    def _configure(self, config: SessionConfig, voiced_end: int | None = None) -> None:
        self._config = config
        detection = config.turn_detection
        silence_ms = SEMANTIC_SILENCE_MS
        if detection and detection.kind is TurnDetectionKind.SERVER_VAD:
            silence_ms = detection.silence_duration_ms
        threshold = detection.threshold if detection else 0.5
        self._padding = (detection.prefix_padding_ms if detection else 0) * SAMPLES_PER_MS
        self._detector = SilenceDetector(threshold, silence_ms * SAMPLES_PER_MS, voiced_end)

    def _judge(self, probability: float, end: int) -> None:
        """Follow the voice through the window that ends before sample `end`."""
        self._heard_until = end
        self._arrivals.note(end, self._clock())
        signal = self._detector.push_voice(probability, end)
        if isinstance(signal, VoiceBegan):
            self._spoken_over = self._agent_speaks
            start = max(0, end - WINDOW_SAMPLES - self._padding)
            self._report(SpeechStarted(start // SAMPLES_PER_MS))
        elif isinstance(signal, VoiceEnded):
            self._end(signal.voiced_end, signal.position)

    def _end(self, voiced_end: int, position: int) -> None:
        if self._spoken_over:
            self._report(SpeechDismissed(position // SAMPLES_PER_MS))
            return
        self._voiced_arrival = self._arrivals.of(voiced_end)
        self._ended_at = self._clock()
        self._report(SpeechStopped(position // SAMPLES_PER_MS))
        self._report(TurnEnded(voiced_end // SAMPLES_PER_MS))

    def _report(self, event: SpeechStarted | SpeechStopped | SpeechDismissed | TurnEnded) -> None:
        if self._reports:
            self._emit(event)


def _resampler() -> soxr.ResampleStream:
    return soxr.ResampleStream(INPUT_RATE, SAMPLE_RATE, 1, dtype="int16", quality="LQ")
