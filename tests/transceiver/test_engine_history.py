"""What an engine that takes over is told, and how it catches up."""

from hypothesis import given
from hypothesis import strategies as st

from antiphon_proto.trunk import (
    FunctionCall,
    FunctionCallOutput,
    Item,
    ItemCreate,
    ItemDelete,
    Role,
)
from transceiver.engine_history import (
    COMPACT,
    INSTRUCTIONS,
    ROOT,
    HistoryBounds,
    catch_up,
    compacted,
)

CONTENTS = st.one_of(
    st.text(min_size=1, max_size=6),
    st.builds(FunctionCall, st.sampled_from("ab"), st.just("f"), st.just("{}")),
    st.builds(FunctionCallOutput, st.sampled_from("ab"), st.just("out")),
)
HISTORIES = st.lists(
    st.builds(Item, st.sampled_from("123456789"), st.sampled_from(Role), CONTENTS),
    unique_by=lambda item: item.id,
)


def text(id_: str, content: str, role: Role = Role.USER) -> Item:
    return Item(id_, role, content)


def test_the_newest_items_and_all_instructions_are_kept() -> None:
    history = [
        text("s", "be kind", Role.SYSTEM),
        *(text(str(number), "word") for number in range(10)),
    ]
    kept = compacted(history, HistoryBounds(items=3, characters=100))
    assert [item.id for item in kept] == ["s", "7", "8", "9"]
    kept = compacted(history, HistoryBounds(items=100, characters=8))
    assert [item.id for item in kept] == ["s", "8", "9"]


def test_instructions_have_a_bound_of_their_own() -> None:
    history = [
        text("1", "word"),
        *(text(f"s{number}", "be kind" * 1000, Role.SYSTEM) for number in range(500)),
        text("2", "word"),
    ]
    kept = compacted(history, HistoryBounds(items=2, characters=8))
    assert [item.id for item in kept] == ["1", *(f"s{number}" for number in range(493, 500)), "2"]
    many = [text(f"s{number}", "", Role.SYSTEM) for number in range(500)]
    assert len(compacted(many, COMPACT)) == INSTRUCTIONS.items


def test_a_result_without_its_call_is_left_out() -> None:
    call = Item("1", Role.ASSISTANT, FunctionCall("c", "f", "{}"))
    output = Item("2", Role.USER, FunctionCallOutput("c", "42"))
    assert compacted([call, output], HistoryBounds(items=1, characters=100)) == ()
    assert compacted([call, output], HistoryBounds(items=2, characters=100)) == (call, output)


@given(HISTORIES, st.integers(0, 9), st.integers(0, 30))
def test_what_is_kept_is_in_order_and_within_bounds(
    history: list[Item], items: int, characters: int
) -> None:
    kept = compacted(history, HistoryBounds(items, characters))
    assert [item for item in history if item in kept] == list(kept)
    others = [item for item in kept if item.role is not Role.SYSTEM]
    assert len(others) <= items
    assert sum(map(len, (item.content for item in others if isinstance(item.content, str)))) <= (
        characters
    )


@given(HISTORIES, HISTORIES)
def test_an_engine_that_caught_up_knows_what_is(known: list[Item], now: list[Item]) -> None:
    """Items do not change places in a conversation."""
    places = {item.id: place for place, item in enumerate(known)}
    now.sort(key=lambda item: places.get(item.id, -1))
    knows = list(known)
    for command in catch_up(known, now):
        match command:
            case ItemDelete(item_id):
                knows = [item for item in knows if item.id != item_id]
            case ItemCreate(item, previous):
                ids = [each.id for each in knows]
                knows.insert(0 if previous == ROOT else ids.index(previous) + 1, item)
    assert knows == now
    assert catch_up(now, now) == []
