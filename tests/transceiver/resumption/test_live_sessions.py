from dataclasses import dataclass

from msgspec import Raw

from transceiver.close_reason import CloseReason
from transceiver.resumption.continuity import TakenUp
from transceiver.resumption.live_sessions import MAX_PARKED, LiveSessions
from transceiver.resumption.snapshot import Snapshot
from transceiver.resumption.snapshot_log import Recorded

TAKEN = TakenUp(Snapshot(session=Raw(b"{}")), None, 3)
SECONDS = 60.0


@dataclass(eq=False)
class Session:
    session_id: str = "sess_1"
    generation: int = 0
    closed: CloseReason | None = None

    @property
    def record(self) -> Recorded:
        raise NotImplementedError

    def take(self, last_event_id: str | None) -> TakenUp:
        self.closed = self.closed or CloseReason.RESUMED
        return TAKEN


def left(live: LiveSessions, reason: CloseReason, generation: int = 0) -> None:
    session = Session(generation=generation)
    live.add(session)
    session.closed = reason
    live.leave(session, 10.0)


def test_a_call_whose_client_is_lost_waits_and_no_other_does() -> None:
    live = LiveSessions(SECONDS)
    left(live, CloseReason.CONSENT_LOST)
    parked = live.find("sess_1")
    assert parked is not None
    assert parked.take(None) is TAKEN
    left(live, CloseReason.CLIENT_HANGUP)
    assert live.find("sess_1") is None
    assert live.drain_over() == ["sess_1"]


def test_a_conversation_that_moved_and_was_never_reached_waits_for_another_attempt() -> None:
    live = LiveSessions(SECONDS)
    left(live, CloseReason.SETUP_TIMEOUT)
    assert live.find("sess_1") is None
    left(live, CloseReason.SETUP_TIMEOUT, generation=3)
    assert live.find("sess_1") is not None


def test_what_has_ended_is_not_resumed_though_its_connection_is_not_over() -> None:
    live = LiveSessions(SECONDS)
    session = Session()
    live.add(session)
    session.closed = CloseReason.IDLE
    assert live.find("sess_1") is None


def test_what_was_taken_is_put_back_for_as_long_as_a_lost_client_has() -> None:
    live = LiveSessions(SECONDS)
    session = Session()
    live.add(session)
    live.tick(10.0)
    live.put_back("sess_1", session.take(None))
    live.remove(session, over=False)
    live.tick(10.0 + SECONDS)
    parked = live.find("sess_1")
    assert parked is not None
    assert parked.generation == 3
    live.tick(10.1 + SECONDS)
    assert live.find("sess_1") is None


def test_of_two_that_restore_a_session_at_once_the_second_goes_on() -> None:
    live = LiveSessions(SECONDS)
    first, second = Session(), Session()
    live.add(first)
    live.add(second)
    assert first.closed is CloseReason.RESUMED
    assert live.find("sess_1") is second


def test_so_many_wait_and_no_more() -> None:
    live = LiveSessions(SECONDS)
    for number in range(MAX_PARKED + 1):
        live.put_back(f"sess_{number}", TAKEN)
    assert len(live.open) == MAX_PARKED
