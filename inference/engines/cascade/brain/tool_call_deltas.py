"""Function calls that stream in by pieces, of several at once.

Servers differ in how they say which call a piece belongs to: by `index`, as the API has it; by
`id` alone, with every index 0 or none; or not at all, where each piece is a whole call.
https://platform.openai.com/docs/api-reference/chat-streaming/streaming
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec

from antiphon_proto.trunk import FunctionCall
from inference.engines.cascade.brain.split_characters import whole_characters

MAX_CALLS = 64
MAX_ARGUMENTS_CHARACTERS = 256 * 1024
"""Of all calls of an answer."""


class FunctionDelta(msgspec.Struct):
    name: str | None = None
    arguments: str | dict[str, object] | None = None
    """An object from servers that parse what the model wrote."""


class CallDelta(msgspec.Struct):
    index: int | None = None
    id: str | None = None
    function: FunctionDelta | None = None


@dataclass(slots=True)
class _PartialCall:
    call_id: str = ""
    name: str = ""
    arguments: list[str] = field(default_factory=list)

    def add(self, delta: CallDelta, name: str, arguments: str) -> None:
        self.call_id = self.call_id or delta.id or ""
        if name != self.name:
            self.name += name
        if arguments:
            self.arguments.append(arguments)

    def is_another(self, delta: CallDelta, name: str) -> bool:
        """Whether `delta`, at the same index, begins another call.

        A name behind arguments is another call's, or the same one's said again.
        """
        if delta.id and self.call_id:
            return delta.id != self.call_id
        if not (name and self.arguments):
            return False
        return name != self.name or _is_json("".join(self.arguments))


class ToolCallDeltas:
    """The calls of one answer, in the order in which they began."""

    def __init__(self, new_id: Callable[[], str]) -> None:
        """`new_id` names a call that its server left without an id."""
        self._new_id = new_id
        self._calls: list[_PartialCall] = []
        self._at: dict[int, _PartialCall] = {}
        self._characters = 0

    def add(self, delta: CallDelta) -> None:
        """Raises ValueError when there is too much of them."""
        function = delta.function or FunctionDelta()
        name, arguments = function.name or "", _text(function.arguments)
        self._characters += len(name) + len(arguments)
        if self._characters > MAX_ARGUMENTS_CHARACTERS:
            raise ValueError("the function calls are too long")
        self._call(delta, name).add(delta, name, arguments)

    def whole(self) -> list[FunctionCall]:
        """Raises ValueError for a call without a name."""
        return [self._whole(call) for call in self._calls]

    def _call(self, delta: CallDelta, name: str) -> _PartialCall:
        index = delta.index or 0
        call = self._at.get(index)
        if call is None or call.is_another(delta, name):
            if len(self._calls) == MAX_CALLS:
                raise ValueError("too many function calls")
            call = self._at[index] = _PartialCall()
            self._calls.append(call)
        return call

    def _whole(self, call: _PartialCall) -> FunctionCall:
        if not call.name:
            raise ValueError("a function call without a name")
        arguments = "".join(call.arguments) or "{}"
        return FunctionCall(
            *map(whole_characters, (call.call_id or self._new_id(), call.name, arguments))
        )


def _text(arguments: str | dict[str, object] | None) -> str:
    return arguments if isinstance(arguments, str) else json.dumps(arguments) if arguments else ""


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
