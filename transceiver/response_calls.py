"""The calls of tools in one response, told as the engine writes their arguments.

    response.output_item.added, conversation.item.added     in progress, without arguments
      response.function_call_arguments.delta ...
      response.function_call_arguments.done
    response.output_item.done, conversation.item.done       completed: the client runs it

A call that breaks off ends as an incomplete item, without its `arguments.done`: there are
clients that run a function at that event, and half its arguments are no arguments.
"""

from dataclasses import dataclass

import msgspec

from antiphon_proto import trunk as engine
from antiphon_proto.realtime import response_events as told
from antiphon_proto.realtime.items import FunctionCall
from transceiver.response_output import Events, ResponseOutput

MAX_CALLS = 64


@dataclass(slots=True)
class _OpenCall:
    index: int
    item: FunctionCall
    """With the arguments that the client was told."""


class ResponseCalls:
    """Makes the events of calls. Of more than MAX_CALLS, or than the output has room for, the
    client is told nothing."""

    def __init__(self, output: ResponseOutput) -> None:
        self.completed = 0
        self._output = output
        self._open: dict[str, _OpenCall] = {}
        self._begun = 0

    def delta(self, event: engine.ToolCallDelta) -> Events:
        """More of a call's arguments."""
        if not event.call_id or not event.arguments_json:
            return []
        call, events = self._opened(event.call_id, event.name, len(event.arguments_json))
        if call is None:
            return events
        return events + self._written(call, event.arguments_json)

    def whole(self, whole: engine.FunctionCall) -> Events:
        """A call is complete, and so is what the client was told of it."""
        arguments = whole.arguments_json
        call_id = whole.call_id or self._output.new_id("call")
        call, events = self._opened(call_id, whole.name, len(arguments))
        if call is None:
            return events
        told = call.item.arguments
        rest = arguments.removeprefix(told) if arguments.startswith(told) else ""
        if len(rest) > self._output.room:
            return events
        if rest:
            events += self._written(call, rest)
        del self._open[call_id]
        return events + self._complete(call, arguments)

    def break_off(self) -> Events:
        """Nothing more comes of the calls that are not whole."""
        broken, self._open = list(self._open.values()), {}
        events: Events = []
        for call in broken:
            item = msgspec.structs.replace(call.item, status="incomplete")
            events += self._output.finish(item, call.index)
        return events

    def _opened(self, call_id: str, name: str, size: int) -> tuple[_OpenCall | None, Events]:
        """The call, begun by these events if it was not; None where there is no room for it."""
        if call := self._open.get(call_id):
            return call, []
        if self._begun == MAX_CALLS or len(name) + size > self._output.room:
            return None, []
        self._begun += 1
        self._output.room -= len(name)
        item = FunctionCall(
            id=self._output.new_id("item"),
            call_id=call_id,
            name=name,
            arguments="",
            status="in_progress",
        )
        index, events = self._output.add(item)
        call = self._open[call_id] = _OpenCall(index, item)
        return call, events

    def _written(self, call: _OpenCall, arguments: str) -> Events:
        if len(arguments) > self._output.room:
            self._output.room = 0
            return []
        self._output.room -= len(arguments)
        written = call.item.arguments + arguments
        call.item = msgspec.structs.replace(call.item, arguments=written)
        return [
            told.ResponseFunctionCallArgumentsDelta(
                response_id=self._output.response_id,
                item_id=str(call.item.id),
                output_index=call.index,
                call_id=str(call.item.call_id),
                delta=arguments,
            )
        ]

    def _complete(self, call: _OpenCall, arguments: str) -> Events:
        self.completed += 1
        item = msgspec.structs.replace(call.item, arguments=arguments, status="completed")
        done = told.ResponseFunctionCallArgumentsDone(
            response_id=self._output.response_id,
            item_id=str(item.id),
            output_index=call.index,
            call_id=str(item.call_id),
            name=item.name,
            arguments=arguments,
        )
        return [done, *self._output.finish(item, call.index)]
