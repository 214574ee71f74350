"""A scenario: how many callers, what they do, what goes wrong, and what must hold all the while.

Files are TOML; `loadtest/scenarios` has some. docs/loadtest-scenarios.md is made of the docstrings
here.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated

import msgspec

Share = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]
Seconds = Annotated[float, msgspec.Meta(ge=0.0, le=86_400.0)]
Milliseconds = Annotated[float, msgspec.Meta(ge=0.0, le=60_000.0)]


class Arrivals(StrEnum):
    """How calls come to be spread over time."""

    EVEN = "even"
    """At equal distances."""
    POISSON = "poisson"
    """At random, each whenever it likes."""


class Length(StrEnum):
    """How calls' lengths are spread around their mean."""

    FIXED = "fixed"
    """All are as long."""
    EXPONENTIAL = "exponential"
    """Many short ones and some long ones, none below a second."""


class Load(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many calls there are, and when they come."""

    sessions: Annotated[int, msgspec.Meta(ge=1, le=10_000_000)]
    """At once, once the ramp is over."""
    ramp_seconds: Seconds = 5.0
    """In which they come, at an even rate."""
    hold_seconds: Seconds = 30.0
    """For how long so many are held after the ramp. Those that end are followed by others."""
    call_seconds: Annotated[float, msgspec.Meta(gt=0.0, le=86_400.0)] | None = None
    """The mean length of a call; the whole run unless given. Together with `sessions` it says
    how fast calls come and go."""
    length: Length = Length.FIXED
    arrivals: Arrivals = Arrivals.EVEN

    @property
    def seconds(self) -> float:
        """The whole run's length."""
        return self.ramp_seconds + self.hold_seconds


class Kind(StrEnum):
    """By which door a caller comes."""

    WEBRTC = "webrtc"
    """ICE, DTLS, SRTP and Opus, set up by the Realtime API over HTTP."""
    WEBSOCKET = "websocket"
    """The Realtime API's events, with PCM in them."""
    SIP = "sip"
    """A phone, with PCMU over plain RTP."""
    RELAY = "relay"
    """Authenticated checks and packets shaped as RTP, to a reflector behind a relay."""


class TalkModel(StrEnum):
    """Who speaks when."""

    CONTINUOUS = "continuous"
    """Speech without a pause, both ways if the far side echoes."""
    ON_OFF = "on_off"
    """Talk spurts and pauses of random lengths, whatever is answered: ITU-T P.59."""
    TURNS = "turns"
    """Asks, hears the answer out, waits, asks again."""


class Expect(StrEnum):
    """What a caller must hear for a turn to count as right."""

    ECHO = "echo"
    """What it said, as the engine `echo` does."""
    ANSWER = "answer"
    """An answer of its own, with a transcript that fits the question where one is sent."""


class Talk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a caller converses."""

    model: TalkModel = TalkModel.ON_OFF
    expect: Expect = Expect.ECHO
    spurt_seconds: Annotated[float, msgspec.Meta(gt=0.0, le=600.0)] = 1.004
    """The mean length of a talk spurt (exponential), as in https://www.itu.int/rec/T-REC-P.59."""
    pause_seconds: Annotated[float, msgspec.Meta(gt=0.0, le=600.0)] = 1.587
    """The mean length of a pause between two; of `turns`, from an answer to the next question."""
    patience_seconds: Annotated[float, msgspec.Meta(gt=0.0, le=600.0)] = 10.0
    """How long an answer is waited for before the turn counts as unanswered."""
    packets_per_second: Annotated[float, msgspec.Meta(gt=0.0, le=50.0)] = 50.0
    """While speaking, of `relay` callers; the others send frames of 20 ms."""
    barge_in: Share = 0.0
    """Of `turns`: the share of answers that are interrupted."""
    barge_in_seconds: Seconds = 0.7
    """After how much of an answer."""


class Network(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a caller's path does to its packets, both ways."""

    loss: Share = 0.0
    """The share of packets that are lost, each way."""
    loss_burst: Annotated[float, msgspec.Meta(ge=1.0, le=100.0)] = 1.0
    """How many packets in a row are lost on the average (Gilbert's model)."""
    delay_ms: Milliseconds = 0.0
    """How long a packet takes, each way."""
    jitter_ms: Milliseconds = 0.0
    """The standard deviation of what comes on top of the delay; packets stay in order."""
    reorder: Share = 0.0
    """The share of packets that the next one overtakes."""
    rebind_seconds: Annotated[float, msgspec.Meta(gt=0.0, le=86_400.0)] | None = None
    """Mean time between changes of the caller's port, as by a NAT that forgets."""
    move_seconds: Annotated[float, msgspec.Meta(gt=0.0, le=86_400.0)] | None = None
    """Mean time between changes of its address, as by a phone that leaves a Wi-Fi; a caller
    that has one address only moves to another port."""


class CallerProfile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A kind of caller."""

    kind: Kind = Kind.WEBRTC
    share: Annotated[float, msgspec.Meta(gt=0.0, le=1e6)] = 1.0
    """Of all callers, by weight."""
    talk: Talk = Talk()
    network: Network = Network()
    data_channel: bool = True
    """Of `webrtc`: whether it has one, with the API's events."""
    red: bool = False
    """Of `webrtc`: whether it says each frame twice, as Chromium does where it is asked to."""


class FaultAction(StrEnum):
    """What is done to a part of the deployment."""

    KILL = "kill"
    """SIGKILL to the tier's worker; whoever supervises it starts it again."""
    RESTART = "restart"
    """The whole tier: killed, and started again at once."""
    HAND_OVER = "hand_over"
    """Of a relay: a new process takes over its sockets."""
    DRAIN = "drain"
    """SIGTERM, and another one takes its place."""
    PAUSE = "pause"
    """SIGSTOP, and SIGCONT after `seconds`."""
    COMMAND = "command"
    """A command of the operator's, run by the coordinator."""


class Fault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something that goes wrong on schedule."""

    at_seconds: Seconds
    """After the run's start."""
    action: FaultAction
    tier: str = ""
    """`relay`, `transceiver` or `inference`, of all but `command`."""
    seconds: Seconds = 0.5
    """Of `pause`: how long."""
    command: tuple[str, ...] = ()
    """Of `command`: the program and its arguments, which no shell sees."""


class Scenario(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A whole file."""

    name: str
    """What reports call it."""
    description: str = ""
    """A line that says what it is for."""
    seed: Annotated[int, msgspec.Meta(ge=0)] = 1
    """Of all that is random: the same one gives the same calls, talk, losses and moves."""
    load: Load
    callers: Annotated[tuple[CallerProfile, ...], msgspec.Meta(min_length=1)] = (CallerProfile(),)
    """Kinds of callers, a `[[callers]]` each; one with all defaults unless given."""
    faults: tuple[Fault, ...] = ()
    """What goes wrong on schedule, a `[[faults]]` each."""
    service_levels: Mapping[str, float] = {}
    """What must hold: bounds by the names of `loadtest.verdict`, as `set_up_p99_ms = 500`."""
    on_schedule_ms: Milliseconds = 20.0
    """How late a frame may come and still be on schedule."""
    warm_up_seconds: Seconds = 0.0
    """How much of the run's begin latencies do not count of, in its figures and service levels."""
