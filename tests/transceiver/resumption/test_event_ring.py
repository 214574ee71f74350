from transceiver.resumption.event_ring import EventRing, Missed


def ring_of(*events: str, max_bytes: int = 1000) -> EventRing:
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
    ring = ring_of("e1", "e2", "e3", max_bytes=4)
    assert ring.resume("e1") == missed("e2", "e3", complete=False)
    ring = ring_of("e1", "e2", max_bytes=4)
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
