"""What the user said between two commits."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from antiphon_proto.trunk import Stage, StageTime
from chassis.tracing.tracer import OpenSpan, SpanScope
from inference.engines.cascade.speech_recognition import SAMPLE_RATE, RecognitionError, Utterance


@dataclass(slots=True)
class UserTurn:
    """One or more utterances, and when its stages were reached, in seconds."""

    utterances: list[Utterance] = field(default_factory=list)
    voiced_arrival: float | None = None
    """When the last voiced sample arrived; None before any speech."""
    reached: dict[Stage, float] = field(default_factory=dict)
    spans: list[OpenSpan] = field(default_factory=list)
    """Of its utterances' recognition. They end when it is known, too, what answers the turn."""
    is_heard: bool = False
    """Whether its transcript is there."""
    is_settled: bool = False
    """Whether it is known what answers it, or that nothing does."""

    @property
    def heard_ms(self) -> int:
        return sum(utterance.pushed for utterance in self.utterances) * 1000 // SAMPLE_RATE

    @property
    def words_so_far(self) -> str:
        return _joined(utterance.partial for utterance in self.utterances)

    def absorb(self, later: "UserTurn") -> None:
        """Take in a turn that follows this one."""
        self.utterances += later.utterances
        self.spans += later.spans
        self.voiced_arrival = later.voiced_arrival or self.voiced_arrival
        self.reached.update(later.reached)

    async def transcript(self, clock: Callable[[], float]) -> str:
        """Its words, once every utterance is finished. Raises RecognitionError."""
        try:
            words = [await utterance.final() for utterance in self.utterances]
        except RecognitionError as error:
            self._end_spans(error.code.value)
            raise
        self.reached.setdefault(Stage.TRANSCRIPT_FINAL, clock())
        for span in self.spans:
            span.over()
        self.is_heard = True
        if self.is_settled:
            self._end_spans()
        return _joined(words)

    def answered_within(self, scope: SpanScope) -> None:
        """The response that answers it is this span's."""
        for span in self.spans:
            span.move_below(scope)
        self.settle()

    def settle(self) -> None:
        """From now on it is known what answers it, or that nothing does."""
        self.is_settled = True
        if self.is_heard:
            self._end_spans()

    def _end_spans(self, error: str = "") -> None:
        for span in self.spans:
            span.end(error)

    def stage_times(self) -> tuple[StageTime, ...]:
        """Empty for a turn without speech, from which nothing could be counted."""
        if self.voiced_arrival is None:
            return ()
        return tuple(
            StageTime(stage, round((self.reached[stage] - self.voiced_arrival) * 1e6))
            for stage in Stage
            if stage in self.reached
        )


def _joined(texts: Iterable[str]) -> str:
    return " ".join(text for text in texts if text)
