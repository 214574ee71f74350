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
from inference.engines.cascade.brain.brain import FunctionCallDelta
from inference.engines.cascade.brain.split_characters import SplitCharacters, whole_characters

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
    """As its server names it."""
    given_id: str = ""
    """As it is told of."""
    name: str = ""
    arguments: list[str] = field(default_factory=list)
    fresh: list[str] = field(default_factory=list)
    """Of the arguments, what was not told yet."""
    characters: SplitCharacters = field(default_factory=SplitCharacters)

    def add(self, delta: CallDelta, name: str, arguments: str) -> None:
        self.call_id = self.call_id or delta.id or ""
        if name != self.name:
            self.name += name
        if whole := self.characters.push(arguments):
            self.arguments.append(whole)
            self.fresh.append(whole)

    def is_another(self, delta: CallDelta, name: str) -> bool:
        """Whether `delta`, at the same index, begins another call.

        A name behind arguments is another call's, or the same one's said again.
        """
        if delta.id and self.call_id:
            return delta.id != self.call_id
        if not (name and self.arguments):
            return False
        return name != self.name or is_json("".join(self.arguments))

    def take(self) -> FunctionCallDelta:
        fresh, self.fresh = "".join(self.fresh), []
        return FunctionCallDelta(self.given_id, whole_characters(self.name), fresh)

    def whole(self) -> FunctionCall:
        arguments = "".join(self.arguments) + self.characters.rest()
        return FunctionCall(self.given_id, whole_characters(self.name), arguments or "{}")


class ToolCallDeltas:
    """The calls of one answer, in the order in which they began."""

    def __init__(self, new_id: Callable[[], str], *, parallel: bool = True) -> None:
        """`new_id` names a call that its server left without an id. Unless they may be
        `parallel`, calls behind the first are passed over."""
        self._new_id = new_id
        self._max_calls = MAX_CALLS if parallel else 1
        self._parallel = parallel
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

    def take(self) -> list[FunctionCallDelta]:
        """What the arguments have gained since the last time."""
        gained = [call for call in self._calls if call.name and call.fresh]
        return [self._named(call).take() for call in gained]

    def whole(self, *, cut_off: bool = False) -> list[FunctionCall]:
        """All calls, or where the answer was cut off, those that have all their arguments.

        Raises ValueError for a call without a name.
        """
        if not cut_off and not all(call.name for call in self._calls):
            raise ValueError("a function call without a name")
        calls = [self._named(call).whole() for call in self._calls if call.name]
        return [call for call in calls if not cut_off or is_json(call.arguments_json)]

    def _call(self, delta: CallDelta, name: str) -> _PartialCall:
        index = delta.index or 0
        call = self._at.get(index)
        if call is None or call.is_another(delta, name):
            call = self._at[index] = _PartialCall()
            if len(self._calls) < self._max_calls:
                self._calls.append(call)
            elif self._parallel:
                raise ValueError("too many function calls")
        return call

    def _named(self, call: _PartialCall) -> _PartialCall:
        call.given_id = call.given_id or whole_characters(call.call_id) or self._new_id()
        return call


def _text(arguments: str | dict[str, object] | None) -> str:
    return arguments if isinstance(arguments, str) else json.dumps(arguments) if arguments else ""


def is_json(text: str) -> bool:
    """Whether the text is a whole JSON value."""
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
