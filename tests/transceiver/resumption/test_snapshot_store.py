from transceiver.resumption.peer_messages import Fetched, Keep, Kept, KeptPart, Over
from transceiver.resumption.snapshot_store import KEPT_S, SnapshotStore


def part(number: int, generation: int = 1, session_id: str = "sess_1", size: int = 3) -> KeptPart:
    return KeptPart(session_id, generation, number, bytes([number]) * size)


def test_parts_are_kept_in_order() -> None:
    store = SnapshotStore()
    assert store.keep(Keep((part(1), part(2))), 0.0) == Kept()
    assert store.keep(Keep((part(3),)), 1.0) == Kept()
    assert store.fetch("sess_1", 1.0) == Fetched(1, (b"\1\1\1", b"\2\2\2", b"\3\3\3"))
    assert store.fetch("sess_2", 1.0) == Fetched()


def test_who_misses_parts_says_so() -> None:
    store = SnapshotStore()
    assert store.keep(Keep((part(2),)), 0.0) == Kept(("sess_1",))
    store.keep(Keep((part(1),)), 0.0)
    assert store.keep(Keep((part(3),)), 0.0) == Kept(("sess_1",))
    assert store.keep(Keep(alive=("sess_1", "sess_2")), 0.0) == Kept(("sess_2",))


def test_who_was_before_does_not_undo_who_restored_it() -> None:
    store = SnapshotStore()
    store.keep(Keep((part(1, generation=5),)), 0.0)
    assert store.keep(Keep((part(1, generation=4),)), 0.0) == Kept()
    assert store.fetch("sess_1", 0.0).generation == 5
    store.keep(Keep(over=(Over("sess_1", 4),)), 0.0)
    assert store.fetch("sess_1", 0.0).parts
    store.keep(Keep((part(1, generation=6), part(2, generation=6))), 0.0)
    assert store.fetch("sess_1", 0.0) == Fetched(6, (b"\1\1\1", b"\2\2\2"))


def test_what_is_over_or_not_heard_of_is_forgotten() -> None:
    store = SnapshotStore()
    store.keep(Keep((part(1), part(1, session_id="sess_2"))), 0.0)
    store.keep(Keep(over=(Over("sess_1", 1),)), 0.0)
    assert store.fetch("sess_1", 0.0) == Fetched()
    store.keep(Keep(alive=("sess_2",)), KEPT_S)
    assert store.fetch("sess_2", 2 * KEPT_S).parts
    assert store.fetch("sess_2", 2 * KEPT_S + 1) == Fetched()
    assert (len(store), store.bytes) == (0, 0)


def test_the_oldest_give_way() -> None:
    store = SnapshotStore(max_bytes=10)
    for number in range(1, 5):
        store.keep(Keep((part(1, session_id=f"sess_{number}", size=4),)), float(number))
    assert [len(store.fetch(f"sess_{number}", 5.0).parts) for number in range(1, 5)] == [0, 0, 1, 1]
