"""What the bytes of a streamed completion say: calls in every style, cost, and nonsense."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon_proto.trunk import FunctionCall
from inference.engines.cascade.brain.brain import BrainOutput, FunctionCallDelta, TokensUsed
from inference.engines.cascade.brain.chat_stream import ChatStream
from inference.model_server.model_server_error import ModelServerError

LOOK = FunctionCall("a", "look", '{"at": 1}')
WAIT = FunctionCall("b", "wait", '{"s": 2}')


def event(chunk: object) -> bytes:
    return f"data: {json.dumps(chunk)}\n\n".encode()


def said(*chunks: object) -> list[BrainOutput]:
    names = iter("abcdef")
    stream = ChatStream(lambda: next(names))
    received = b"".join(map(event, chunks)) + b"data: [DONE]\n\n"
    return [*stream.push(received), *stream.rest()]


def calling(*deltas: dict[str, Any]) -> list[BrainOutput]:
    return said(*({"choices": [{"delta": {"tool_calls": [delta]}}]} for delta in deltas))


def whole(given: list[BrainOutput]) -> list[BrainOutput]:
    """Without the arguments as they came."""
    return [output for output in given if not isinstance(output, FunctionCallDelta)]


def function(name: str | None = None, arguments: object = None) -> dict[str, Any]:
    given = {"name": name, "arguments": arguments}
    return {"function": {key: value for key, value in given.items() if value is not None}}


@pytest.mark.parametrize(
    "deltas",
    [
        pytest.param(
            [
                {"index": 0, "id": "a", **function("look", "")},
                {"index": 1, "id": "b", **function("wait")},
                {"index": 0, **function(arguments='{"at": ')},
                {"index": 1, **function(arguments='{"s": 2}')},
                {"index": 0, **function(arguments="1}")},
            ],
            id="by index, overlapping",
        ),
        pytest.param(
            [
                {"index": 0, "id": "a", **function("look", '{"at": 1}')},
                {"index": 0, "id": "b", **function("wait", '{"s":')},
                {"index": 0, "id": "b", **function(arguments=" 2}")},
            ],
            id="by id, every index 0",
        ),
        pytest.param(
            [
                {"id": "a", **function("look", '{"at": 1}')},
                {"id": "b", **function("wait", '{"s": 2}')},
            ],
            id="by id, without an index",
        ),
        pytest.param(
            [
                {"index": 0, **function("look", '{"at": 1}')},
                {"index": 0, **function("wait", '{"s": 2}')},
            ],
            id="whole calls without ids",
        ),
        pytest.param(
            [
                {"index": 0, "id": "", **function("look", '{"at": 1}')},
                {"index": None, "id": "", **function("wait", {"s": 2})},
            ],
            id="empty ids, arguments as an object",
        ),
        pytest.param(
            [
                {"index": 0, "id": "a", "type": "function", **function("look", '{"at"')},
                {"index": 0, "id": "a", "type": "function", **function("look", ": 1}")},
                {"index": 7, "id": "b", **function("wa")},
                {"index": 7, **function("it", '{"s": 2}')},
            ],
            id="name repeated, name in pieces, odd index",
        ),
    ],
)
def test_calls_of_servers_of_every_style(deltas: list[dict[str, Any]]) -> None:
    given = calling(*deltas)
    assert whole(given) == [LOOK, WAIT]
    for each in (LOOK, WAIT):
        told = [delta for delta in given if isinstance(delta, FunctionCallDelta)]
        own = [delta for delta in told if delta.call_id == each.call_id]
        assert {delta.name for delta in own} == {each.name}
        assert "".join(delta.arguments_json for delta in own) == each.arguments_json


def test_an_id_that_comes_behind_arguments_is_too_late() -> None:
    """The call was told of, under an id of its own."""
    stream = ChatStream(lambda: "own")
    first = {"index": 0, **function("look", '{"at"')}
    last = {"index": 0, "id": "late", **function(arguments=": 1}")}
    for delta in (first, last):
        received = event({"choices": [{"delta": {"tool_calls": [delta]}}]})
        (piece,) = stream.push(received)
        assert isinstance(piece, FunctionCallDelta)
        assert piece.call_id == "own"
    list(stream.push(b"data: [DONE]\n\n"))
    assert stream.rest() == [FunctionCall("own", "look", '{"at": 1}')]


def test_an_argument_that_is_split_within_a_character() -> None:
    halves = ['"\ud83d', '\ude00"']
    given = calling(*({"index": 0, "id": "a", **function("look", half)} for half in halves))
    assert whole(given) == [FunctionCall("a", "look", '"\U0001f600"')]
    for delta in given:
        assert isinstance(delta, FunctionCall | FunctionCallDelta)
        delta.arguments_json.encode()


def test_the_same_function_called_twice_without_ids() -> None:
    deltas = [{"index": 0, **function("look", '{"at": 1}')}, {"index": 0, **function("look", "{}")}]
    assert whole(calling(*deltas)) == [LOOK, FunctionCall("b", "look", "{}")]


@pytest.mark.parametrize(
    ("usage", "used"),
    [
        (None, None),
        ({"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}, TokensUsed(9, 3)),
        ({"prompt_tokens": 9}, TokensUsed(9, 0)),
        (
            {
                "prompt_tokens": 9,
                "completion_tokens": 3,
                "prompt_tokens_details": {"cached_tokens": 8, "audio_tokens": None},
            },
            TokensUsed(9, 3, 8),
        ),
        (
            {"prompt_tokens": 9, "completion_tokens": 3, "prompt_tokens_details": None},
            TokensUsed(9, 3),
        ),
    ],
)
def test_the_cost(usage: object, used: TokensUsed | None) -> None:
    answer = said(
        {"choices": [{"delta": {"content": "Hi."}}], "usage": None},
        {"choices": [{"delta": {}, "finish_reason": "stop"}]},
        {"choices": [], "usage": usage},
    )
    assert answer == ["Hi.", used] if used else ["Hi."]


@given(
    st.recursive(
        st.none() | st.integers() | st.text(),
        lambda json: (
            st.lists(json)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "choices",
                        "delta",
                        "tool_calls",
                        "content",
                        "index",
                        "function",
                        "error",
                        "usage",
                    ]
                )
                | st.text(),
                json,
            )
        ),
        max_leaves=12,
    )
)
def test_any_json_is_an_answer_or_an_error(chunk: object) -> None:
    try:
        outputs = said(chunk)
    except ModelServerError:
        return
    assert all(isinstance(output, str | FunctionCall | TokensUsed) for output in outputs)


@given(st.lists(st.binary()))
def test_any_bytes_are_an_answer_or_an_error(received: list[bytes]) -> None:
    stream = ChatStream(str)
    try:
        for piece in received:
            assert not list(stream.push(piece))
        stream.rest()
    except ModelServerError:
        pass
