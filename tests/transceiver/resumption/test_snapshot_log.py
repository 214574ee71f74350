"""What an owner tells of a conversation amounts to the conversation, whatever happens to it."""

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from antiphon_proto.realtime.items import InputText, Message
from transceiver.resumption.snapshot import ItemRecord, Snapshot, SnapshotError, decode_parts
from transceiver.resumption.snapshot_log import MAX_PARTS, SnapshotLog

OWNER = "127.0.0.1:4"
CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["insert", "change", "remove", "move", "configure"]),
        st.integers(0, 30),
        st.integers(0, 30),
    ),
    max_size=30,
)


@dataclass
class Conversation:
    items: list[ItemRecord] = field(default_factory=list)
    session: Raw = field(default_factory=lambda: Raw(b"{}"))
    revision: int = 0

    def snapshot(self) -> Snapshot:
        return Snapshot(session=self.session, items=tuple(self.items))

    def do(self, change: str, which: int, where: int) -> None:
        self.revision += 1
        at, to = (number % (len(self.items) or 1) for number in (which, where))
        if change == "insert":
            self.items.insert(to, record(f"item_{self.revision}", "new"))
        elif change == "configure":
            self.session = Raw(b'{"id":"sess_1","n":%d}' % where)
        elif self.items and change == "remove":
            del self.items[at]
        elif self.items and change == "change":
            self.items[at] = record(self.items[at].id, f"changed {where}")
        elif self.items:
            self.items.insert(to, self.items.pop(at))


def record(item_id: str, text: str) -> ItemRecord:
    return ItemRecord(Message(id=item_id, role="user", content=[InputText(text=text)]))


@given(st.lists(CHANGES, max_size=6))
def test_the_parts_amount_to_the_conversation(batches: list[list[tuple[str, int, int]]]) -> None:
    conversation = Conversation()
    log = SnapshotLog(OWNER, 1, conversation)
    parts: list[bytes] = []
    for batch in [[], *batches]:
        for change in batch:
            conversation.do(*change)
        part = log.next_part()
        if part is not None:
            assert part.number == len(parts) + 1
            parts.append(part.content)
        assert log.next_part() is None
        assert decode_parts(parts) == (conversation.snapshot(), OWNER)


def test_long_changes_begin_anew() -> None:
    conversation = Conversation([record("item_1", "first")])
    log = SnapshotLog(OWNER, 7, conversation)
    told = []
    while not told or told[-1][0] == 7:
        conversation.do("change", 0, conversation.revision)
        part = log.next_part()
        assert part is not None
        told.append((part.generation, part.number))
    assert told[-1] == (8, 1)
    assert 2 < len(told) <= MAX_PARTS


def test_what_went_astray_is_told_anew() -> None:
    conversation = Conversation([record("item_1", "first")])
    log = SnapshotLog(OWNER, 1, conversation)
    assert log.next_part() is not None
    log.restart()
    part = log.next_part()
    assert part is not None
    assert (part.generation, part.number) == (2, 1)
    assert decode_parts([part.content])[0] == conversation.snapshot()


@given(st.lists(st.binary(max_size=60), max_size=3))
def test_anything_else_is_no_snapshot(parts: list[bytes]) -> None:
    try:
        decode_parts(parts)
    except SnapshotError:
        return
    raise AssertionError
