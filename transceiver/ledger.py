"""Accounts for a turn's latency, from the client's last voiced sample to the first heard one.

    client speaks ──► frame here ──► engine ··· turn ended ··· transcript ··· asked ··· text
      ··· audio ──► audio here ──► first frame sent ──► client hears

Instants on this side are `now` of a monotonic clock, in seconds; those on the
engine's side are offsets from the arrival of the frame that held the last voiced
sample, so that the two clocks need not agree. Each part of the account is the
distance between neighbouring instants; an instant that was not reported coincides
with the one before it, so that its part is 0 and the next part takes its time, and
one that an engine reached early, because it anticipated, counts as reached when
the instant before it was.
"""

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, field
from itertools import accumulate, pairwise

from antiphon_proto.trunk import Stage, StageTime
from transceiver.forwarded_frames import ForwardedFrame, ForwardedFrames

TURNS_KEPT = 8


@dataclass(frozen=True, slots=True)
class TurnAccount:
    """A turn's latency in milliseconds; the parts are never negative."""

    uplink_wait: int
    """The frame of the last voiced sample waited here for its predecessors."""
    endpointing: int
    """That frame went to the engine, until the turn was found to have ended."""
    asr: int
    """Until its transcript was final."""
    brain: int
    """Asked to respond, until the first text."""
    tts: int
    """Until the first audio of that text."""
    trunk: int
    """Between the tiers: frame up, request up, audio down."""
    pacing: int
    """First audio arrived, until its first frame was sent."""
    transport: int
    """One round trip between client and this worker: half of it before, half after."""

    @property
    def total_ms(self) -> int:
        return sum(astuple(self))

    def parts_ms(self) -> dict[str, int]:
        """The parts by name, in the order in which they are declared."""
        return dict(zip(self.__slots__, astuple(self), strict=True))


@dataclass(frozen=True, slots=True)
class TurnInstants:
    """When a turn reached what, in seconds of this worker's clock; none is before the one above it.

    The engine's own instants are where it said that they lay behind `forwarded`.
    """

    spoken: float
    """The client spoke its last voiced sample, half a round trip away."""
    received: float
    forwarded: float
    turn_ended: float
    transcribed: float
    asked: float
    text: float
    audio: float
    """The engine had made audio, which came here at `arrived`."""
    arrived: float
    sent: float
    heard: float
    """The client heard it, half a round trip away."""

    @property
    def account(self) -> TurnAccount:
        return TurnAccount(
            **_rounded_parts(
                uplink_wait=self.forwarded - self.received,
                endpointing=self.turn_ended - self.forwarded,
                asr=self.transcribed - self.turn_ended,
                brain=self.text - self.asked,
                tts=self.audio - self.text,
                trunk=(self.asked - self.transcribed) + (self.arrived - self.audio),
                pacing=self.sent - self.arrived,
                transport=(self.received - self.spoken) + (self.heard - self.sent),
            )
        )

    def parts(self) -> Iterator[tuple[str, float, float]]:
        """The account's parts as they follow one another, each with its beginning and its end.

        Transport and trunk are passed both ways.
        """
        names = ("transport", "uplink_wait", "endpointing", "asr", "trunk", "brain", "tts", "trunk")
        steps = zip((*names, "pacing", "transport"), pairwise(astuple(self)), strict=True)
        return ((name, start, end) for name, (start, end) in steps)


@dataclass(frozen=True, slots=True)
class _VoicedEnd:
    """The frame of a turn's last voiced sample, and when the turn's end was reported."""

    frame: ForwardedFrame
    turn_ended_at: float


@dataclass(slots=True)
class _Answer:
    """What is known of the answer to a turn."""

    voiced_end: _VoicedEnd
    first_audio_at: float | None = None
    first_sent_at: float | None = None
    stages: Mapping[Stage, float] = field(default_factory=dict)


class LatencyLedger:
    """Feed it what happens as it happens; ask for `turn` when a response is done.

    Only answers to turns whose end the engine found have an account: a client that
    commits by itself, or only writes, has no last voiced sample that is known.
    """

    def __init__(self) -> None:
        self._frames = ForwardedFrames()
        self._voiced_end: _VoicedEnd | None = None
        self._answers: OrderedDict[int, _Answer] = OrderedDict()

    def frame_forwarded(self, position_ms: int, waited_s: float, now: float) -> None:
        """Input from `position_ms` on went to the engine, `waited_s` after it was received."""
        self._frames.add(position_ms, max(0.0, waited_s), now)

    def turn_ended(self, voiced_end_ms: int, now: float) -> None:
        """The engine said that a turn ended, and where its last voiced sample was."""
        frame = self._frames.last_before(voiced_end_ms)
        self._voiced_end = _VoicedEnd(frame, now) if frame else None

    def responding(self, response: int) -> None:
        """`response` answers the turn that ended last, unless another one has."""
        if self._voiced_end is None:
            return
        self._answers[response] = _Answer(self._voiced_end)
        self._voiced_end = None
        if len(self._answers) > TURNS_KEPT:
            self._answers.popitem(last=False)

    def unanswered(self) -> None:
        """The turn that ended last has no answer: a response that is asked for later is none."""
        self._voiced_end = None

    def first_audio(self, response: int, now: float) -> None:
        """Audio of `response` arrived from the engine; only the first call counts."""
        answer = self._answers.get(response)
        if answer and answer.first_audio_at is None:
            answer.first_audio_at = now

    def first_frame_sent(self, response: int, now: float) -> None:
        """Audio of `response` left for the client; only the first call counts."""
        answer = self._answers.get(response)
        if answer and answer.first_sent_at is None:
            answer.first_sent_at = now

    def done(self, response: int, stages: Sequence[StageTime]) -> None:
        """The engine's own account of `response`."""
        answer = self._answers.get(response)
        if answer:
            answer.stages = {time.stage: time.after_voiced_end_us / 1e6 for time in stages}

    def turn(self, response: int, rtt_s: float | None) -> TurnInstants | None:
        """Close the account of `response`; None when nothing of it was sent, or asked before."""
        answer = self._answers.pop(response, None)
        if answer is None or answer.first_audio_at is None or answer.first_sent_at is None:
            return None
        return _instants(answer, answer.first_audio_at, answer.first_sent_at, rtt_s or 0.0)


def _instants(answer: _Answer, audio_at: float, sent_at: float, rtt_s: float) -> TurnInstants:
    forwarded = answer.voiced_end.frame.at
    engine_s = max(0.0, audio_at - forwarded)
    stages = {Stage.TURN_ENDED: answer.voiced_end.turn_ended_at - forwarded, **answer.stages}
    reached = [forwarded + after for after in _monotone(stages, engine_s)]
    received = forwarded - answer.voiced_end.frame.waited_s
    one_way = max(0.0, rtt_s) / 2
    arrived = forwarded + engine_s
    sent = arrived + max(0.0, sent_at - audio_at)
    turn_ended, transcribed, asked, text, audio = reached
    return TurnInstants(
        spoken=received - one_way,
        received=received,
        forwarded=forwarded,
        turn_ended=turn_ended,
        transcribed=transcribed,
        asked=asked,
        text=text,
        audio=audio,
        arrived=arrived,
        sent=sent,
        heard=sent + one_way,
    )


def _monotone(stages: Mapping[Stage, float], limit: float) -> list[float]:
    """Every stage's instant, at least that of the stage before it and at most `limit`."""
    reached = (min(max(0.0, stages.get(stage, 0.0)), limit) for stage in Stage)
    return list(accumulate(reached, max))


def _rounded_parts(**seconds: float) -> dict[str, int]:
    """Whole milliseconds whose sum is the rounded sum: instants are rounded, not distances."""
    instants = (round(end * 1000) for end in accumulate(seconds.values(), initial=0.0))
    return {
        name: end - start for name, (start, end) in zip(seconds, pairwise(instants), strict=True)
    }
