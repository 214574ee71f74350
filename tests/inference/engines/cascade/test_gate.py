"""The gate: nothing before its release, everything after it, in order."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon_proto.trunk import FunctionCall, WordEnd
from inference.engines.cascade.gate import (
    MAX_HELD_AUDIO_S,
    MAX_HELD_CHARACTERS,
    Gate,
    Output,
)

CALL = FunctionCall("call_1", "look", "{}")
outputs = st.lists(
    st.one_of(
        st.text(max_size=20),
        st.binary(max_size=20),
        st.just(CALL),
        st.builds(lambda end: (WordEnd(end, end),), st.integers(0, 9)),
    )
)


@given(outputs, outputs)
def test_a_release_gives_what_would_have_been_given(
    before: list[Output], after: list[Output]
) -> None:
    gate, given = Gate(), list[Output]()
    for output in before:
        gate.put(output)
    assert given == []
    gate.release(given.append)
    assert given == before
    for output in after:
        gate.put(output)
    assert given == before + after


@given(outputs, outputs)
def test_nothing_leaves_a_discarded_gate(before: list[Output], after: list[Output]) -> None:
    gate, given = Gate(), list[Output]()
    for output in before:
        gate.put(output)
    gate.discard()
    for output in after:
        gate.put(output)
    gate.release(given.append)
    assert given == []


def test_discarded_by_what_it_gives() -> None:
    gate, given = Gate(), list[Output]()

    def take(output: Output) -> None:
        given.append(output)
        gate.discard()

    gate.put("one")
    gate.put("two")
    gate.release(take)
    assert given == ["one"]


@pytest.mark.parametrize(
    "much",
    ["a" * MAX_HELD_CHARACTERS, bytes(int(MAX_HELD_AUDIO_S * 48_000)), CALL],
)
def test_it_is_full_only_while_it_holds_much(much: Output) -> None:
    gate = Gate()
    gate.put(much)
    assert gate.full is (much is not CALL)
    gate.release(lambda output: None)
    assert not gate.full


def test_what_came_is_counted() -> None:
    gate = Gate()
    for output in ("abc", CALL, bytes(48_000), (WordEnd(1, 1),)):
        gate.put(output)
    assert (gate.characters, gate.audio_s) == (len("abc") + len("look{}"), 1.0)
