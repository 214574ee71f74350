"""The remembered conversation."""

import pytest

from antiphon_proto.trunk import FunctionCall, Item, Role
from inference.engines.cascade.history import MAX_ITEMS, History


def user(item_id: str, text: str = "hello") -> Item:
    return Item(item_id, Role.USER, text)


@pytest.fixture
def history() -> History:
    return History((user("a"), user("b"), user("c")))


def ids(history: History) -> str:
    return "".join(item.id for item in history.items)


@pytest.mark.parametrize(
    ("previous", "order"), [("", "abcx"), ("root", "xabc"), ("a", "axbc"), ("nowhere", "abcx")]
)
def test_insert(history: History, previous: str, order: str) -> None:
    history.insert(user("x"), previous)
    assert ids(history) == order


def test_set_text(history: History) -> None:
    history.set_text("b", "bye")
    assert [item.content for item in history.items] == ["hello", "bye", "hello"]


def test_a_function_call_has_no_text_to_set(history: History) -> None:
    call = Item("d", Role.ASSISTANT, FunctionCall("d", "look", "{}"))
    history.append(call)
    history.set_text("d", "bye")
    assert history.items[-1] == call


def test_delete_what_is_and_what_is_not_there(history: History) -> None:
    history.delete("b")
    history.delete("b")
    history.delete("")
    assert ids(history) == "ac"


def test_it_is_bounded(history: History) -> None:
    firsts = []
    for index in range(MAX_ITEMS):
        history.append(user(f"n{index}"))
        firsts.append(history.items[0].id)
        assert len(history.items) <= MAX_ITEMS
    assert len(set(firsts)) == 2, "each time that the beginning changes costs a server its cache"
    assert history.items[-1].id == f"n{MAX_ITEMS - 1}"
