"""Runs the model's calls of remote tools.

    called ──no approval needed──────────────► running ──ToolReturned──► completed
       └──► asked ──mcp_approval_response──────►│  └────McpFailed──────► failed
               └──────────refused─────────────────────────────────────►

A call outlives the response that made it, whatever ends that. As at OpenAI, the answer to
what it returned is the client's to ask for, by `response.create`:
https://platform.openai.com/docs/guides/realtime-mcp
"""

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from antiphon_proto import trunk as engine
from antiphon_proto.realtime import RealtimeError
from antiphon_proto.realtime import mcp_events as told
from antiphon_proto.realtime import server_events as api
from antiphon_proto.realtime.mcp import (
    McpApprovalRequest,
    McpApprovalResponse,
    McpCall,
    McpError,
    ToolExecutionError,
)
from transceiver.conversation_outputs import RunMcp
from transceiver.item_history import ItemHistory
from transceiver.mcp.engine_items import PREFIX, answered
from transceiver.mcp.requests import CallTool, McpFailed, ToolReturned
from transceiver.mcp.toolbox import RemoteTool
from transceiver.outbox import Outbox
from transceiver.response_calls import MAX_CALLS
from transceiver.response_output import Events, ResponseOutput

MAX_RUNNING = 16
MAX_ASKED = 64
"""Calls of a conversation that run, or wait for approval, at once."""

MAX_ITEM_ID = 64


@dataclass(slots=True)
class _Call:
    output: ResponseOutput
    index: int
    item: McpCall
    tool: RemoteTool
    call_id: str
    """The engine's."""

    @property
    def id(self) -> str:
        return str(self.item.id)


class ToolCalls:
    """Each is an item of its response and, unless that is out of band, of the conversation."""

    def __init__(self, outbox: Outbox, history: ItemHistory, new_id: Callable[[str], str]) -> None:
        self._outbox = outbox
        self._history = history
        self._new_id = new_id
        self._running: dict[str, _Call] = {}
        self._asked: dict[str, _Call] = {}

    def call(self, output: ResponseOutput, tool: RemoteTool, wanted: engine.FunctionCall) -> None:
        """The model calls `tool`; a call that the response has no room for is passed over."""
        size = len(wanted.arguments_json) + len(tool.name)
        if size > output.room or output.remote_calls == MAX_CALLS:
            return
        output.room -= size
        output.remote_calls += 1
        begun = McpCall(
            id=self._item_id(wanted.call_id),
            server_label=tool.label,
            name=tool.name,
            arguments="",
            approval_request_id=self._new_id("mcpr") if tool.needs_approval else None,
        )
        index, events = output.add(begun)
        item = msgspec.structs.replace(begun, arguments=wanted.arguments_json)
        call = _Call(output, index, item, tool, wanted.call_id)
        output.keep(item, index)
        self._outbox.send(*events, *_arguments(call))
        if tool.needs_approval:
            self._ask(call)
        else:
            self._run(call)

    def ended(self, outcome: ToolReturned | McpFailed) -> None:
        """Tell what came of a call, and let the engine know."""
        call = self._running.pop(outcome.item_id, None)
        if call is None:
            return
        if isinstance(outcome, ToolReturned):
            self._settle(call, msgspec.structs.replace(call.item, output=outcome.output))
        else:
            self._fail(call, outcome.error)

    # ---- approval ------------------------------------------------------------

    def check_answer(self, answer: McpApprovalResponse) -> None:
        """Raises RealtimeError unless a call waits for it."""
        if answer.approval_request_id not in self._asked:
            raise RealtimeError(
                "invalid_value",
                f"No call waits for the approval {answer.approval_request_id!r}.",
                param="item.approval_request_id",
            )

    def answer(self, answer: McpApprovalResponse) -> None:
        """Run what the client approves of."""
        call = self._asked.pop(answer.approval_request_id)
        if answer.approve:
            self._run(call)
        else:
            reason = f": {answer.reason}" if answer.reason else "."
            message = f"The user did not approve of this call{reason}"
            self._fail(call, ToolExecutionError(message=message))

    def _ask(self, call: _Call) -> None:
        if len(self._asked) >= MAX_ASKED:
            message = f"{MAX_ASKED} calls wait for approval already."
            self._fail(call, ToolExecutionError(message=message))
            return
        item = McpApprovalRequest(
            id=str(call.item.approval_request_id),
            server_label=call.tool.label,
            name=call.tool.name,
            arguments=call.item.arguments,
        )
        self._asked[str(item.id)] = call
        previous = self._history.insert(item)
        self._outbox.send(
            api.ConversationItemAdded(item=item, previous_item_id=previous),
            api.ConversationItemDone(item=item, previous_item_id=previous),
        )

    # ---- running -------------------------------------------------------------

    def _run(self, call: _Call) -> None:
        if len(self._running) >= MAX_RUNNING:
            message = f"{MAX_RUNNING} calls run already."
            self._fail(call, ToolExecutionError(message=message))
            return
        self._running[call.id] = call
        self._outbox.send(told.ResponseMcpCallInProgress(item_id=call.id, output_index=call.index))
        request = CallTool(call.id, call.tool.server, call.tool.name, call.item.arguments)
        self._outbox.add(RunMcp(request))

    def _fail(self, call: _Call, error: McpError) -> None:
        self._settle(call, msgspec.structs.replace(call.item, error=error))

    def _settle(self, call: _Call, item: McpCall) -> None:
        kind = told.ResponseMcpCallCompleted if item.error is None else told.ResponseMcpCallFailed
        known = call.id in self._history
        self._outbox.send(
            kind(item_id=call.id, output_index=call.index),
            *call.output.finish(item, call.index),
        )
        if known:
            self._outbox.command(engine.ItemCreate(answered(item, call.call_id)))

    def _item_id(self, call_id: str) -> str:
        """One that says the engine's id of the call, where that is possible."""
        item_id = f"{PREFIX}{call_id}"
        usable = call_id and len(item_id) <= MAX_ITEM_ID and item_id not in self._history
        return item_id if usable else self._new_id("mcp")


def _arguments(call: _Call) -> Events:
    response_id, arguments = call.output.response_id, call.item.arguments
    return [
        told.ResponseMcpCallArgumentsDelta(
            response_id=response_id, item_id=call.id, output_index=call.index, delta=arguments
        ),
        told.ResponseMcpCallArgumentsDone(
            response_id=response_id, item_id=call.id, output_index=call.index, arguments=arguments
        ),
    ]
