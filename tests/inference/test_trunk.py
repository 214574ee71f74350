"""A trunk without its stream: dispatch, ordering, and faults that stay in their session."""

from collections import Counter

import pytest

from antiphon_proto.audio_block import (
    AudioFrame,
    downlink_position,
    pack_frames,
    split_downlink_position,
    unpack_frames,
)
from antiphon_proto.inference.v1 import inference_pb2 as pb
from antiphon_proto.trunk import (
    Done,
    DoneStatus,
    Error,
    Respond,
    SessionConfig,
    TextDelta,
    TurnDetection,
    TurnEnded,
)
from inference.admission import Admission
from inference.engine_output import Audio
from inference.engines.echo import EchoEngine
from inference.error_code import EngineError, ErrorCode
from inference.outbound import MAX_EVENTS
from inference.trunk import DOWNLINK_BUDGET_BYTES, Trunk
from inference.trunk_counters import AudioDrop, TrunkCounters
from tests.inference.scripted_engine import INPUT_RATE, OUTPUT_RATE, ScriptedEngine

PCM = b"\x01\x02" * 160


class TrunkUnderTest:
    """A trunk with what surrounds it in reach."""

    def __init__(self, engine: ScriptedEngine, capacity: int = 8) -> None:
        self.wakes = 0
        self.dones: list[Done] = []
        self.admission = Admission(capacity)
        self.counters = TrunkCounters()
        self.trunk = Trunk(
            [engine, EchoEngine()], self.admission, self.counters, self._wake, self.dones.append
        )

    def _wake(self) -> None:
        self.wakes += 1

    def send(
        self,
        *commands: pb.Command,
        frames: tuple[tuple[int, int, bytes], ...] = (),
    ) -> None:
        self.trunk.receive(pb.Uplink(audio=pack_frames(frames), commands=commands))

    def events(self) -> list[pb.Event]:
        downlink = self.trunk.next_downlink()
        return [] if downlink is None else list(downlink.events)

    def errors(self) -> list[tuple[int, str, bool]]:
        return [
            (event.session, event.error.code, event.error.fatal)
            for event in self.events()
            if event.WhichOneof("kind") == "error"
        ]


def open_command(session: int = 1, model: str = "", **config: object) -> pb.Command:
    return pb.Command(session=session, open=pb.Open(model=model, config=pb.SessionConfig(**config)))


@pytest.fixture
def link(scripted_engine: ScriptedEngine) -> TrunkUnderTest:
    return TrunkUnderTest(scripted_engine)


def test_the_replicas_state_is_told_when_it_changed(link: TrunkUnderTest) -> None:
    state = pb.Description(engines=["scripted"], capacity=4, sessions=1)
    link.trunk.report(state)
    assert link.trunk.next_downlink() == pb.Downlink(audio=pb.AudioBlock(), replica=state)

    link.trunk.report(pb.Description(engines=["scripted"], capacity=4, sessions=1))
    assert link.trunk.next_downlink() is None

    link.trunk.report(pb.Description(engines=["scripted"], capacity=4, sessions=2))
    downlink = link.trunk.next_downlink()
    assert downlink is not None
    assert downlink.replica.sessions == 2
    assert link.wakes == 2


def test_open_is_answered_by_ready(link: TrunkUnderTest) -> None:
    link.send(open_command(session=5))

    (event,) = link.events()
    assert event.session == 5
    assert event.ready == pb.Ready(
        engine="scripted", input_rate=INPUT_RATE, output_rate=OUTPUT_RATE
    )
    assert link.trunk.next_downlink() is None


@pytest.mark.parametrize(
    ("model", "engine"), [("echo", "echo"), ("scripted", "scripted"), ("gpt-realtime", "scripted")]
)
def test_the_model_names_the_engine_or_gets_the_default(
    link: TrunkUnderTest, model: str, engine: str
) -> None:
    link.send(open_command(model=model))

    assert link.events()[0].ready.engine == engine
    assert link.counters.opened == Counter({engine: 1})


def test_the_configuration_reaches_the_engine(
    link: TrunkUnderTest, scripted_engine: ScriptedEngine
) -> None:
    detection = pb.TurnDetection(
        kind=pb.TurnDetection.KIND_SERVER_VAD,
        prefix_padding_ms=200,
        silence_duration_ms=400,
        create_response=True,
    )
    link.send(open_command(instructions="Be brief.", turn_detection=detection))

    assert scripted_engine.sessions[0].config == SessionConfig(
        instructions="Be brief.",
        turn_detection=TurnDetection(prefix_padding_ms=200, silence_duration_ms=400),
    )


def test_commands_keep_their_place_between_frames(
    link: TrunkUnderTest, scripted_engine: ScriptedEngine
) -> None:
    link.send(open_command())
    session = scripted_engine.sessions[0]
    heard_at_commit: list[int] = []
    session.commit = lambda item_id: heard_at_commit.append(len(session.heard))  # type: ignore[method-assign]
    commits = [
        pb.Command(session=1, after_frames=count, commit=pb.Commit(item_id=str(count)))
        for count in (1, 2, 0, 99)
    ]
    link.send(*commits, frames=tuple((1, 160 * index, PCM) for index in range(3)))

    assert heard_at_commit == [1, 2, 2, 3]


def test_audio_goes_to_its_session_only(
    link: TrunkUnderTest, scripted_engine: ScriptedEngine
) -> None:
    link.send(open_command(1), open_command(2))
    link.send(frames=((2, 0, PCM), (1, 0, bytes(4)), (2, 160, PCM)))

    assert scripted_engine.sessions[0].heard == [(0, bytes(4))]
    assert scripted_engine.sessions[1].heard == [(0, PCM), (160, PCM)]


def test_one_downlink_carries_all_sessions(
    link: TrunkUnderTest, scripted_engine: ScriptedEngine
) -> None:
    link.send(open_command(1), open_command(2))
    link.events()
    for number, session in enumerate(scripted_engine.sessions, start=1):
        link.send(pb.Command(session=number, respond=pb.Respond(response=1, item_id="a")))
        session.emit(Audio(1, bytes([number, 0]) * 480))
        session.emit(Done(1, DoneStatus.COMPLETED))

    downlink = link.trunk.next_downlink()
    assert downlink is not None
    assert unpack_frames(downlink.audio) == [
        AudioFrame(number, downlink_position(1, 0), bytes([number, 0]) * 480) for number in (1, 2)
    ]
    assert [(event.session, event.after_frames) for event in downlink.events] == [(1, 1), (2, 2)]
    assert link.dones == [Done(1, DoneStatus.COMPLETED)] * 2
    assert link.trunk.next_downlink() is None


def test_playback_gives_credit(link: TrunkUnderTest, scripted_engine: ScriptedEngine) -> None:
    link.send(
        open_command(output_credit_ms=100), pb.Command(session=1, respond=pb.Respond(response=1))
    )
    scripted_engine.sessions[0].emit(Audio(1, bytes(48 * 500)))
    assert sent_ms(link) == 100

    link.send(pb.Command(session=1, playback_credit=pb.PlaybackCredit(response=1, played_ms=60)))
    assert sent_ms(link) == 60
    assert scripted_engine.sessions[0].asked[-1] == ("played", 1, 60)


def test_cancel_takes_back_what_has_not_left(
    link: TrunkUnderTest, scripted_engine: ScriptedEngine
) -> None:
    link.send(open_command(), pb.Command(session=1, respond=pb.Respond(response=1)))
    session = scripted_engine.sessions[0]
    session.emit(Audio(1, bytes(48 * 500)))
    sent_ms(link)
    link.send(pb.Command(session=1, cancel=pb.Cancel(response=1, played_ms=80)))
    session.emit(Audio(1, bytes(480)))
    session.emit(Done(1, DoneStatus.CANCELLED))

    downlink = link.trunk.next_downlink()
    assert downlink is not None
    assert not downlink.audio.samples
    assert [event.done.status for event in downlink.events] == [pb.Done.STATUS_CANCELLED]
    assert session.asked[-1] == ("cancel", 1, 80)


def sent_ms(link: TrunkUnderTest) -> int:
    downlink = link.trunk.next_downlink()
    assert downlink is not None
    return len(downlink.audio.samples) // 48


def test_a_large_credit_is_sent_in_bounded_messages(
    link: TrunkUnderTest, scripted_engine: ScriptedEngine
) -> None:
    for number in (1, 2):
        link.send(
            open_command(number, output_credit_ms=60_000),
            pb.Command(session=number, respond=pb.Respond(response=1)),
        )
        scripted_engine.sessions[-1].emit(Audio(1, bytes(48 * 20_000)))
    got: Counter[int] = Counter()
    while (downlink := link.trunk.next_downlink()) is not None:
        assert len(downlink.audio.samples) <= DOWNLINK_BUDGET_BYTES
        for frame in unpack_frames(downlink.audio):
            assert split_downlink_position(frame.position) == (1, got[frame.session] // 2)
            got[frame.session] += len(frame.pcm)
    assert got == {1: 48 * 20_000, 2: 48 * 20_000}


class TestFaults:
    """Each is told to the session it concerns; the others notice nothing."""

    def test_audio_before_open_is_told_once(self, link: TrunkUnderTest) -> None:
        link.send(frames=((3, 0, PCM),))
        link.send(frames=((3, 160, PCM),))

        assert link.errors() == [(3, "session_not_open", False)]
        assert link.counters.dropped_bytes[AudioDrop.NO_SESSION] == 2 * len(PCM)

    def test_a_command_before_open(self, link: TrunkUnderTest) -> None:
        link.send(pb.Command(session=3, commit=pb.Commit(item_id="a")))

        assert link.errors() == [(3, "session_not_open", False)]

    def test_audio_that_was_on_its_way_when_the_session_closed(self, link: TrunkUnderTest) -> None:
        link.send(open_command(), pb.Command(session=1, close=pb.Close(reason="done")))
        link.send(frames=((1, 0, PCM),))

        assert link.errors() == []

    def test_a_session_opened_twice_goes_on(
        self, link: TrunkUnderTest, scripted_engine: ScriptedEngine
    ) -> None:
        link.send(open_command(), open_command())
        link.send(frames=((1, 0, PCM),))

        assert link.errors() == [(1, "session_already_open", False)]
        assert scripted_engine.sessions[0].heard == [(0, PCM)]
        assert link.admission.sessions == 1

    def test_a_number_may_be_used_again_after_close(self, link: TrunkUnderTest) -> None:
        link.send(open_command(), pb.Command(session=1, close=pb.Close()), open_command())

        assert [event.WhichOneof("kind") for event in link.events()] == ["ready"]

    def test_a_malformed_block_is_told_to_the_sessions_it_names(
        self, link: TrunkUnderTest, scripted_engine: ScriptedEngine
    ) -> None:
        link.send(open_command(1), open_command(2))
        link.events()
        block = pack_frames([(2, 0, PCM)])
        block.samples = block.samples[:-2]
        commit = pb.Command(session=1, after_frames=1, commit=pb.Commit(item_id="a"))
        link.trunk.receive(pb.Uplink(audio=block, commands=[commit]))

        assert link.errors() == [(2, "malformed_audio", False)]
        assert scripted_engine.sessions[0].asked == [("commit", "a")]
        assert scripted_engine.sessions[1].heard == []

    def test_an_unknown_command(self, link: TrunkUnderTest) -> None:
        link.send(open_command(), pb.Command(session=1))

        assert (1, "unknown_command", False) in link.errors()

    @pytest.mark.parametrize("response", [0, 1])
    def test_a_response_number_that_does_not_grow(
        self, link: TrunkUnderTest, scripted_engine: ScriptedEngine, response: int
    ) -> None:
        link.send(
            open_command(),
            pb.Command(session=1, respond=pb.Respond(response=1)),
            pb.Command(session=1, respond=pb.Respond(response=response)),
        )

        assert link.errors() == [(1, "invalid_response", False)]
        assert scripted_engine.sessions[0].asked == [("respond", Respond(1, ""))]

    def test_cancel_of_a_response_that_never_was(
        self, link: TrunkUnderTest, scripted_engine: ScriptedEngine
    ) -> None:
        link.send(open_command(), pb.Command(session=1, cancel=pb.Cancel(response=9)))

        assert link.errors() == [(1, "invalid_response", False)]
        assert scripted_engine.sessions[0].asked == []

    def test_a_refused_response_is_done(
        self, link: TrunkUnderTest, scripted_engine: ScriptedEngine, engine_error: EngineError
    ) -> None:
        link.send(open_command())
        link.events()
        scripted_engine.sessions[0].fault = engine_error
        link.send(pb.Command(session=1, respond=pb.Respond(response=1)))

        error, done = sorted(link.events(), key=lambda event: event.WhichOneof("kind") != "error")
        assert (error.error.code, error.error.fatal) == ("response_active", False)
        assert (done.done.status, done.done.reason) == (pb.Done.STATUS_FAILED, "response_active")

    @pytest.mark.parametrize("on", ["audio", "command"])
    def test_an_engine_bug_ends_its_session_only(
        self, link: TrunkUnderTest, scripted_engine: ScriptedEngine, on: str
    ) -> None:
        link.send(open_command(1), open_command(2))
        link.events()
        scripted_engine.sessions[0].fault = ZeroDivisionError("bug")
        if on == "audio":
            link.send(frames=((1, 0, PCM), (1, 160, PCM), (2, 0, PCM)))
        else:
            link.send(pb.Command(session=1, clear_input=pb.ClearInput()), frames=((2, 0, PCM),))

        assert link.errors() == [(1, "engine_failed", True)]
        assert scripted_engine.sessions[0].asked[-1] == ("close", "engine_failed")
        assert scripted_engine.sessions[1].heard == [(0, PCM)]
        assert link.admission.sessions == 1

    @pytest.mark.parametrize(
        ("refusal", "code"),
        [
            (EngineError(ErrorCode.AT_CAPACITY, "full"), "at_capacity"),
            (ZeroDivisionError("bug"), "engine_failed"),
        ],
    )
    def test_an_engine_that_refuses_a_session(
        self,
        link: TrunkUnderTest,
        scripted_engine: ScriptedEngine,
        refusal: Exception,
        code: str,
    ) -> None:
        scripted_engine.refusal = refusal
        link.send(open_command())

        assert link.errors() == [(1, code, True)]
        assert link.admission.sessions == 0

    def test_a_session_too_many(self, scripted_engine: ScriptedEngine) -> None:
        link = TrunkUnderTest(scripted_engine, capacity=1)
        link.send(open_command(1), open_command(2))

        assert (2, "at_capacity", True) in link.errors()
        link.send(pb.Command(session=1, close=pb.Close()), open_command(3))
        assert link.admission.sessions == 1
        assert len(scripted_engine.sessions) == 2

    def test_a_transceiver_that_never_reads(
        self, link: TrunkUnderTest, scripted_engine: ScriptedEngine
    ) -> None:
        link.send(open_command(1), open_command(2))
        for count in range(MAX_EVENTS + 10):
            scripted_engine.sessions[0].emit(TurnEnded(count))
        link.send(frames=((2, 0, PCM),))

        assert scripted_engine.sessions[0].asked[-1] == ("close", "slow_consumer")
        assert scripted_engine.sessions[1].heard == [(0, PCM)]
        assert link.errors() == [(1, "slow_consumer", True)]

    def test_an_engine_may_end_its_session(
        self, link: TrunkUnderTest, scripted_engine: ScriptedEngine
    ) -> None:
        link.send(open_command())
        link.events()
        scripted_engine.sessions[0].emit(Error(ErrorCode.ENGINE_FAILED, "lost", fatal=True))

        assert link.errors() == [(1, "engine_failed", True)]
        assert link.admission.sessions == 0

    def test_a_closed_session_is_silent(
        self, link: TrunkUnderTest, scripted_engine: ScriptedEngine
    ) -> None:
        link.send(open_command(), pb.Command(session=1, close=pb.Close()))
        scripted_engine.sessions[0].emit(TextDelta(1, "late"))

        assert link.trunk.next_downlink() is None


def test_closing_the_trunk_closes_its_sessions(
    link: TrunkUnderTest, scripted_engine: ScriptedEngine
) -> None:
    link.send(open_command(1), open_command(2))
    link.trunk.close("trunk_closed")

    assert [session.asked for session in scripted_engine.sessions] == [
        [("close", "trunk_closed")]
    ] * 2
    assert link.admission.sessions == 0


def test_draining_refuses_sessions_and_tells_the_open_ones(link: TrunkUnderTest) -> None:
    link.send(open_command(1))
    link.events()
    link.admission.draining = True
    link.trunk.drain(500)
    link.send(open_command(2))

    events = link.events()
    assert [(event.session, event.WhichOneof("kind")) for event in events] == [
        (2, "error"),
        (1, "draining"),
    ]
    assert events[0].error.code == "draining"


def test_echo_gives_back_what_it_hears(link: TrunkUnderTest) -> None:
    link.send(open_command(model="echo"))
    link.events()
    link.send(frames=((1, 0, PCM), (1, 160, PCM)))

    downlink = link.trunk.next_downlink()
    assert downlink is not None
    assert unpack_frames(downlink.audio) == [AudioFrame(1, downlink_position(0, 0), PCM + PCM)]
