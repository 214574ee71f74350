"""What a client hears again that was lost, and what that costs while it is not."""

from antiphon_proto.realtime import encode_server_event
from antiphon_proto.realtime.response_events import ResponseOutputAudioDelta
from transceiver.resumption.event_ring import (
    MAX_AUDIO_BYTES,
    MAX_BYTES,
    OVERHEAD_BYTES,
    EventRing,
    Missed,
)
from transceiver.websocket_call import CONGESTED_BYTES

TWO = 2 * (2 + OVERHEAD_BYTES)
"""Bytes: the bound of a ring with two events."""
GREETING = b'{"type":"session.created","session":{}}'


def audio(event_id: str, delta: str = "AAAA") -> bytes:
    return encode_server_event(
        ResponseOutputAudioDelta(
            event_id=event_id,
            response_id="resp_1",
            item_id="item_1",
            output_index=0,
            content_index=0,
            delta=delta,
        )
    )


def ring_of(*events: str, max_bytes: int = 10_000) -> EventRing:
    ring = EventRing(max_bytes=max_bytes, max_age_s=60.0)
    for number, event in enumerate(events):
        ring.add(event, event.encode(), float(number))
    return ring


def missed(*events: str, complete: bool = True) -> Missed:
    return Missed(tuple((event, event.encode()) for event in events), complete)


def test_who_names_an_event_hears_what_came_behind() -> None:
    ring = ring_of("e1", "e2", "e3")
    ring.lose(0)
    ring.add("e4", b"e4", 4.0)
    assert ring.resume("e2") == missed("e3", "e4")


def test_who_names_none_hears_what_did_not_leave_and_what_came_since() -> None:
    ring = ring_of("e1", "e2", "e3")
    ring.lose(3)
    ring.add("e4", b"e4", 4.0)
    assert ring.resume(None) == missed("e2", "e3", "e4")
    assert ring_of("e1").resume(None) == missed()


def test_what_is_forgotten_is_said_to_be() -> None:
    ring = ring_of("e1", "e2", "e3", max_bytes=TWO)
    assert ring.resume("e1") == missed("e2", "e3", complete=False)
    ring = ring_of("e1", "e2", max_bytes=TWO)
    ring.lose(4)
    ring.add("e3", b"e3", 3.0)
    assert ring.resume(None) == missed("e2", "e3", complete=False)


def test_what_is_old_is_forgotten() -> None:
    ring = ring_of("e1", "e2")
    ring.trim(61.5)
    assert len(ring) == 0
    assert ring.resume("e2") == missed(complete=False)


def test_what_is_heard_again_is_to_be_added_again() -> None:
    ring = ring_of("e1", "e2", "e3")
    ring.resume("e1")
    ring.add("created", b"created", 5.0)
    for event in ("e2", "e3"):
        ring.add(event, event.encode(), 5.0)
    assert ring.resume("created") == missed("e2", "e3")


def test_audio_takes_the_place_of_no_other_event() -> None:
    ring = EventRing()
    ring.add("e0", b"e0", 0.0)
    count = 3 * MAX_AUDIO_BYTES // 6400
    for number in range(count):
        ring.add(f"a{number}", audio(f"a{number}", "A" * 6400), 1.0)
        ring.add(f"e{number + 1}", f"e{number + 1}".encode(), 1.0)
    repeated = ring.resume("e0")
    assert not repeated.complete
    ids = [event_id for event_id, _ in repeated.events]
    assert [each for each in ids if each[0] == "e"] == [f"e{n + 1}" for n in range(count)]
    newest = [each for each in ids if each[0] == "a"]
    assert newest == [f"a{n}" for n in range(count - len(newest), count)]
    assert dict(repeated.events)[newest[-1]] == audio(newest[-1], "A" * 6400)
    assert ids[-2:] == [f"a{count - 1}", f"e{count}"]


def test_all_that_may_wait_for_a_client_is_there_when_it_is_lost() -> None:
    ring = EventRing()
    event = audio("a", "A" * 6400)
    for number in range(1000):
        ring.add(f"a{number}", event, 1.0)
    waiting = CONGESTED_BYTES // len(event) + 3
    ring.lose(waiting * len(event))
    repeated = ring.resume(None)
    assert repeated.complete
    assert len(repeated.events) == waiting


def test_more_that_did_not_leave_than_is_kept_is_not_all() -> None:
    ring = ring_of("e1", "e2", "e3", max_bytes=TWO)
    ring.lose(6)
    assert ring.resume(None) == missed("e2", "e3", complete=False)


def test_a_client_that_comes_again_a_thousand_times_hears_one_greeting() -> None:
    ring = ring_of("e1", "e2")
    for number in range(1000):
        ring.lose(2)
        assert ring.resume(None) == missed("e2")
        ring.add(f"created{number}", GREETING, 3.0)
        ring.add("e2", b"e2", 3.0)
        ring.lose(len(GREETING) + 2)
        assert ring.resume(None) == missed("e2")
        ring.add(f"again{number}", GREETING, 3.0)
        ring.add("e2", b"e2", 3.0)
    ring.add("e3", b"e3", 4.0)
    assert ring.resume("again999") == missed("e2", "e3")


def test_the_number_of_events_is_bounded_too() -> None:
    ring = EventRing()
    for number in range(10_000):
        ring.add(f"e{number}", GREETING, 0.0)
    assert len(ring) <= MAX_BYTES // OVERHEAD_BYTES
