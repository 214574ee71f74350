"""The half of a cascade session that hears: from samples to turns and their words.

    samples ─► voice activity ─► turn detector ─► begins and ends utterances
       └──────► pre-roll ──────────────────────► recogniser ─► words

Recognition starts with the first voiced window, a pre-roll back, and ends with the
pause that ends the turn, so that the words are there when the turn is committed.
"""

from collections import Counter
from collections.abc import Callable
from typing import Protocol

from antiphon_proto.audio_block import BYTES_PER_SAMPLE
from antiphon_proto.trunk import (
    Error,
    InputTranscript,
    SessionConfig,
    SpeechDismissed,
    SpeechStarted,
    SpeechStopped,
    Stage,
    TurnDetection,
    TurnEnded,
)
from chassis.tracing.tracer import current_scope, within
from inference.engine import Emit
from inference.engines.cascade.arrivals import Arrivals
from inference.engines.cascade.counters import Verdict
from inference.engines.cascade.floor import Floor
from inference.engines.cascade.pre_roll import PreRoll
from inference.engines.cascade.speech_recognition import RecognitionStream, Utterance
from inference.engines.cascade.turn_detection.choice import turn_detector
from inference.engines.cascade.turn_detection.model import Judge
from inference.engines.cascade.turn_detection.turn_detector import (
    TurnDetector,
    VoiceBegan,
    VoiceEnded,
)
from inference.engines.cascade.user_turn import UserTurn
from inference.engines.cascade.vad import SAMPLE_RATE, WINDOW_SAMPLES, VoiceBatch, VoiceStream
from inference.error_code import ErrorCode

SAMPLES_PER_MS = SAMPLE_RATE // 1000
MIN_PRE_ROLL_MS = 200
"""What the recogniser hears before the first voiced window, however short the padding."""

SEGMENTATION = TurnDetection(silence_duration_ms=800)
"""Cuts what a client that commits its turns itself sends into utterances."""

FAILED = Error(ErrorCode.ENGINE_FAILED, "the engine failed", fatal=True)


class PauseObserver(Protocol):
    """Is told when the user's turn may be over, before it is known to be."""

    def turn_began(self) -> None: ...

    def paused(self, words: str) -> None:
        """Nothing followed these words of the turn for a while."""

    def spoke_on(self) -> None:
        """It was only a pause."""


class Listener:
    """Reports the user's turns, where the session detects them, and what was said."""

    def __init__(
        self,
        config: SessionConfig,
        batch: VoiceBatch,
        recogniser: RecognitionStream,
        emit: Emit,
        clock: Callable[[], float],
        *,
        pause_ms: int = 0,
        turn_judge: Judge | None = None,
        interruptions: Counter[Verdict] | None = None,
    ) -> None:
        """`pause_ms`: silence after which `observer` hears of a pause; 0: never. `turn_judge`:
        the end-of-turn model, if there is one. `interruptions` counts what they were taken for."""
        self._turn_judge = turn_judge
        self.observer: PauseObserver | None = None
        self.floor = Floor(emit, clock, Counter() if interruptions is None else interruptions)
        windows = round(pause_ms * SAMPLES_PER_MS / WINDOW_SAMPLES)
        self._pause_samples = max(1, windows) * WINDOW_SAMPLES if pause_ms else 0
        self._paused = False
        self._batch = batch
        self._recogniser = recogniser
        self._emit = emit
        self._clock = clock
        self._scope = current_scope.get()
        self._voice = VoiceStream(self._judge, lambda: emit(FAILED))
        self._arrivals = Arrivals()
        self._utterance: Utterance | None = None
        self._turn = UserTurn()
        self._ended: list[UserTurn] = []
        self._heard_until = 0
        self._settled = 0
        """Position up to which all audio belongs to a turn that is over."""
        self._pre_roll = PreRoll()
        self._config = config
        self._configure(config)

    def update(self, config: SessionConfig) -> None:
        """Listen differently; speech that is going on stays part of the turn."""
        before, after = self._config.turn_detection, config.turn_detection
        if before == after:
            self._config = config
            return
        if after is None:
            self._keep_for_commit()
        # A turn that was reported as begun must end, by whichever detector.
        voiced_end = self._detector.voiced_end if before and after else None
        if voiced_end is None:
            self._finish_utterance()
        self._configure(config, voiced_end)
        self._detector.update_text(self._turn.words_so_far)

    def _keep_for_commit(self) -> None:
        """Nobody reports turns any more: what was heard is all of the client's next one."""
        undecided = self.floor.reset()
        turn = UserTurn()
        for heard in (*self._ended, undecided or UserTurn(), self._turn):
            turn.absorb(heard)
        self._turn = turn
        self._ended.clear()

    def push_audio(self, position: int, pcm: bytes) -> None:
        self._pre_roll.push(position, pcm)
        self._detector.push_audio(position, pcm)
        self._heard_until = position + len(pcm) // BYTES_PER_SAMPLE
        if self._utterance is not None:
            self._utterance.push(pcm)
        self._batch.push(self._voice, position, pcm)

    def commit(self) -> UserTurn:
        """The turns that ended since the last commit, or else what was heard until now."""
        self._batch.settle(self._voice)
        if (undecided := self.floor.reset()) is not None:
            self._ended.append(undecided)
        turn = UserTurn()
        for ended in self._ended or [self._end_turn()]:
            turn.absorb(ended)
        self._ended.clear()
        return turn

    def clear(self) -> None:
        """Forget what was heard since the last commit."""
        self._batch.settle(self._voice)
        if self._utterance is not None:
            self._utterance.abort()
            self._utterance = None
        self._paused = False
        for turn in (*self._ended, self._turn, self.floor.reset()):
            if turn is not None:
                turn.settle()
        self._turn = UserTurn()
        self._ended.clear()
        self._settled = self._heard_until
        self._detector.reset()

    def close(self) -> None:
        self._voice.closed = True
        self.clear()
        self._recogniser.close()

    def _configure(self, config: SessionConfig, voiced_end: int | None = None) -> None:
        self._config = config
        detection = config.turn_detection or SEGMENTATION
        self._detector: TurnDetector = turn_detector(
            detection, SAMPLE_RATE, voiced_end, self._turn_judge
        )
        self._padding = detection.prefix_padding_ms * SAMPLES_PER_MS
        self._kept = max(self._padding, MIN_PRE_ROLL_MS * SAMPLES_PER_MS)

    def _judge(self, probability: float, end: int) -> None:
        """Follow the voice through the window that ends before sample `end`."""
        self._arrivals.note(end, self._clock())
        self._pre_roll.forget(end - WINDOW_SAMPLES - self._kept)
        signal = self._detector.push_voice(probability, end)
        if isinstance(signal, VoiceBegan):
            self._begin_utterance(signal.position - WINDOW_SAMPLES)
        elif isinstance(signal, VoiceEnded):
            self._end_utterance(signal)
        else:
            self.floor.voice_heard(self._detector.voiced_end or 0)
            if self._observes:
                self._follow_pause()

    @property
    def _observes(self) -> bool:
        """Whether the turns that are detected will be answered, and who prepares for it listens."""
        detection = self._config.turn_detection
        return bool(detection and detection.create_response and self.observer)

    def _follow_pause(self) -> None:
        before, silence = self._paused, self._detector.silence
        self._paused = self._utterance is not None and silence >= self._pause_samples > 0
        if self._utterance is not None and self._paused and not before:
            self._utterance.settle(self._heard_until_pause)
        elif before and not self._paused and self.observer is not None:
            self.observer.spoke_on()

    def _heard_until_pause(self, _words: str) -> None:
        if self._paused and self.observer is not None:
            self.observer.paused(self._turn.words_so_far)

    def _begin_utterance(self, voiced: int) -> None:
        if self.observer is not None:
            self.observer.turn_began()
        start = max(voiced - self._padding, self._settled)
        if self._config.turn_detection is not None:
            self.floor.speech_began(voiced)
            self._emit(SpeechStarted(start // SAMPLES_PER_MS))
        heard_from = min(start, max(voiced - MIN_PRE_ROLL_MS * SAMPLES_PER_MS, self._settled))
        span = self._scope.begin("asr")
        with within(span):
            utterance = self._recogniser.begin(self._heard_words, self._config.transcription)
        utterance.push(self._pre_roll.since(heard_from))
        self._utterance = utterance
        self._turn.utterances.append(utterance)
        self._turn.spans.append(span)

    def _end_utterance(self, ended: VoiceEnded) -> None:
        self._turn.voiced_arrival = self._arrivals.of(ended.voiced_end)
        self._finish_utterance()
        if self._config.turn_detection is None:
            return
        self._settled = ended.position
        self._turn.reached[Stage.TURN_ENDED] = self._clock()
        turn, self._turn = self._turn, UserTurn()
        self._emit(SpeechStopped(ended.position // SAMPLES_PER_MS))
        self.floor.speech_ended(turn, lambda is_turn: self._conclude(turn, ended, is_turn))

    def _conclude(self, turn: UserTurn, ended: VoiceEnded, is_turn: bool) -> None:
        if is_turn:
            self._ended.append(turn)
            self._emit(TurnEnded(ended.voiced_end // SAMPLES_PER_MS))
            return
        turn.settle()
        if self.observer is not None:
            self.observer.spoke_on()
        self._emit(SpeechDismissed(ended.position // SAMPLES_PER_MS))

    def _end_turn(self) -> UserTurn:
        """End the turn in progress at the client's word."""
        if self._detector.voiced_end is not None:
            self._turn.voiced_arrival = self._arrivals.of(self._detector.voiced_end)
        self._finish_utterance()
        self._settled = self._heard_until
        self._detector.reset()
        turn, self._turn = self._turn, UserTurn()
        turn.reached[Stage.TURN_ENDED] = self._clock()
        return turn

    def _finish_utterance(self) -> None:
        self._paused = False
        if self._utterance is not None:
            self._utterance.finish()
            self._utterance = None

    def _heard_words(self, _text: str) -> None:
        if self._utterance is None:
            return
        words = self._turn.words_so_far
        self._detector.update_text(words)
        self.floor.words_heard(words, self._heard_until)
        if self._config.transcription is not None:
            self._emit(InputTranscript("", words, final=False))
