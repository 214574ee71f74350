"""A prompt as messages: what was sent before is sent the same again, from the front on."""

import json

from hypothesis import given
from hypothesis import strategies as st

from antiphon_proto.trunk import FunctionCall, FunctionCallOutput, Item, Role
from inference.engines.cascade.brain.brain import Prompt
from inference.engines.cascade.brain.chat_messages import GO_ON, chat_messages

Turn = tuple[str, str, int, bool]
"""The user's words, the answer as it was heard, the number of calls, whether they were answered."""

TURNS = st.lists(
    st.tuples(st.text(max_size=9), st.text(max_size=9), st.integers(0, 3), st.booleans())
)


def items(number: int, turn: Turn) -> tuple[list[Item], list[Item]]:
    """The question with what was called, and what came of it."""
    question, answer, calls, answered = turn
    names = [f"call_{number}_{place}" for place in range(calls)]
    asked = [Item(f"u{number}", Role.USER, question)]
    made = [Item(name, Role.ASSISTANT, FunctionCall(name, "look", "{}")) for name in names]
    outputs = [Item(f"o{name}", Role.USER, FunctionCallOutput(name, "sky")) for name in names]
    return asked, [
        *made,
        *(outputs if answered else []),
        Item(f"a{number}", Role.ASSISTANT, answer),
    ]


def body(history: list[Item]) -> str:
    """The messages' JSON, without the bracket at the end."""
    return json.dumps(chat_messages(Prompt("Be brief.", tuple(history))))[:-1]


@given(TURNS)
def test_each_turns_request_begins_with_the_one_before(turns: list[Turn]) -> None:
    history: list[Item] = []
    before = body(history)
    for number, turn in enumerate(turns):
        asked, done = items(number, turn)
        history += asked
        assert body(history).startswith(before)
        before = body(history)
        history += done
        assert body(history).startswith(before)
        before = body(history)


@given(TURNS, st.text(max_size=5))
def test_an_interrupted_answer_changes_only_the_end(turns: list[Turn], heard: str) -> None:
    """The request that asked for it is the beginning of the next, however little was heard."""
    history = [
        item for number, turn in enumerate(turns) for part in items(number, turn) for item in part
    ]
    asked = [*history, Item("q", Role.USER, "So?")]
    after = [*asked, Item("a", Role.ASSISTANT, heard), Item("n", Role.USER, "Go on.")]
    assert body(after).startswith(body(asked))


def test_calls_one_after_the_other_are_a_message_each() -> None:
    history = [
        Item("1", Role.USER, "Look, then wait."),
        Item("a", Role.ASSISTANT, FunctionCall("a", "look", "{}")),
        Item("2", Role.USER, FunctionCallOutput("a", "sky")),
    ]
    before = body(history)
    history += [
        Item("b", Role.ASSISTANT, FunctionCall("b", "wait", "{}")),
        Item("3", Role.USER, FunctionCallOutput("b", "waited")),
    ]
    roles = [message["role"] for message in chat_messages(Prompt("", tuple(history)))]
    assert roles == ["system", "user", "assistant", "tool", "assistant", "tool"]
    assert body(history).startswith(before)


def test_a_late_output_comes_right_behind_its_call() -> None:
    """As the API wants it, and without touching what was said in the meantime."""
    history = [
        Item("1", Role.USER, "Look, please."),
        Item("a", Role.ASSISTANT, FunctionCall("a", "look", "{}")),
        Item("2", Role.USER, "And how are you?"),
        Item("3", Role.ASSISTANT, "Fine."),
    ]
    before = body(history)
    history.append(Item("4", Role.USER, FunctionCallOutput("a", "sky")))
    roles = [message["role"] for message in chat_messages(Prompt("", tuple(history)))]
    assert roles == ["system", "user", "user", "assistant", "assistant", "tool"]
    assert body(history).startswith(before)


def test_an_output_that_came_while_the_answer_with_the_call_was_spoken() -> None:
    history = (
        Item("1", Role.USER, "Look, please."),
        Item("2", Role.USER, FunctionCallOutput("a", "sky")),
        Item("3", Role.ASSISTANT, "Let me look."),
        Item("a", Role.ASSISTANT, FunctionCall("a", "look", "{}")),
        Item("b", Role.ASSISTANT, FunctionCall("b", "wait", "{}")),
    )
    messages = chat_messages(Prompt("", history))
    assert [message["role"] for message in messages[1:]] == [
        "user",
        "assistant",
        "assistant",
        "tool",
    ]
    assert messages[-1] == {"role": "tool", "tool_call_id": "a", "content": "sky"}


def test_an_output_of_no_call_is_left_out() -> None:
    history = (Item("1", Role.USER, "Hi."), Item("2", Role.USER, FunctionCallOutput("a", "sky")))
    assert [message["role"] for message in chat_messages(Prompt("", history))] == ["system", "user"]


def test_an_output_is_taken_once() -> None:
    history = (
        Item("a", Role.ASSISTANT, FunctionCall("a", "look", "{}")),
        Item("1", Role.USER, FunctionCallOutput("a", "sky")),
        Item("2", Role.USER, FunctionCallOutput("a", "sea")),
    )
    assert [m.get("content") for m in chat_messages(Prompt("x", history))] == ["x", None, "sky"]


def test_arguments_that_are_no_object_are_none() -> None:
    for arguments in ("", "{", "[1]", "3", "[" * 100_000):
        history = (
            Item("a", Role.ASSISTANT, FunctionCall("a", "look", arguments)),
            Item("1", Role.USER, FunctionCallOutput("a", "sky")),
        )
        calls = chat_messages(Prompt("", history))[1]["tool_calls"]
        assert calls[0]["function"]["arguments"] == "{}"


def test_an_answer_that_was_heard_in_part_is_gone_on_with() -> None:
    history = (Item("1", Role.USER, "Count."),)
    messages = chat_messages(Prompt("", history, said="One, two,"))
    assert messages[1:] == [
        {"role": "user", "content": "Count."},
        {"role": "assistant", "content": "One, two,"},
        {"role": "user", "content": GO_ON},
    ]
