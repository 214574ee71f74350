"""Lists the tools of a conversation's MCP servers, and tells the client and the engine."""

from collections.abc import Callable
from dataclasses import dataclass

from antiphon_proto import trunk as engine
from antiphon_proto.realtime import RealtimeError, RealtimeSession
from antiphon_proto.realtime import client_events as asked
from antiphon_proto.realtime import mcp_events as told
from antiphon_proto.realtime import server_events as api
from antiphon_proto.realtime.mcp import ListedTool, McpError, McpListTools, ToolExecutionError
from transceiver.conversation_outputs import RunMcp
from transceiver.item_history import ItemHistory, item_bytes
from transceiver.mcp.requests import ListTools, McpFailed, ToolsListed
from transceiver.outbox import Outbox
from transceiver.session_state import SessionState

MAX_LIST_BYTES = 192 * 1024
"""Of an item as JSON, so that its event fits into one data channel message."""

MAX_WAITING = 4
"""Responses that wait for a listing."""


@dataclass(frozen=True, slots=True)
class HeldResponse:
    """A response that was asked for, and by whom."""

    event: asked.ResponseCreate
    asker: int


class ToolListings:
    """One item for each time that a server is asked."""

    def __init__(
        self,
        outbox: Outbox,
        session: SessionState,
        history: ItemHistory,
        new_id: Callable[[str], str],
    ) -> None:
        self._outbox = outbox
        self._session = session
        self._history = history
        self._new_id = new_id
        self._labels: dict[str, str] = {}
        self._waiting: list[HeldResponse] = []

    def begin(self) -> None:
        """List the session's servers, but for those that were listed as they are now."""
        self._begin(self._session.current, anew=True)

    def hold(self, event: asked.ResponseCreate) -> bool:
        """Whether a response must wait for the tools of a server that it names itself.

        Raises RealtimeError.
        """
        if event.response is None or bytes(event.response.tools) == b"null":
            return False
        session = self._session.for_response(event.response)
        self._begin(session, anew=False)
        if not self._session.toolbox.listing(session):
            return False
        if len(self._waiting) >= MAX_WAITING:
            raise RealtimeError(
                "rate_limit_exceeded",
                f"{MAX_WAITING} responses wait for tools to be listed already.",
                param="response.tools",
            )
        self._waiting.append(HeldResponse(event, self._outbox.asker))
        return True

    def ended(self, outcome: ToolsListed | McpFailed) -> list[HeldResponse]:
        """Tell it, unless nobody waits for it; the responses that are to be made now."""
        label = self._labels.pop(outcome.item_id, None)
        if label is None:
            return []
        if isinstance(outcome, McpFailed):
            self._failed(label, outcome.item_id, outcome.error)
        else:
            self._listed(label, outcome.item_id, outcome.tools)
        if self._labels:
            return []
        ready, self._waiting = self._waiting, []
        return ready

    def _begin(self, session: RealtimeSession, *, anew: bool) -> None:
        for tool in self._session.toolbox.unlisted(session, anew=anew):
            self._supersede(tool.server_label)
            item = McpListTools(id=self._new_id("mcpl"), server_label=tool.server_label)
            item_id = str(item.id)
            self._labels[item_id] = tool.server_label
            server = self._session.toolbox.begin(tool, item_id)
            previous = self._history.insert(item)
            self._outbox.send(
                api.ConversationItemAdded(item=item, previous_item_id=previous),
                told.McpListToolsInProgress(item_id=item_id),
            )
            self._outbox.add(RunMcp(ListTools(item_id, server)))

    def _supersede(self, label: str) -> None:
        """Clients believe the listing that ended last, which must be the one that counts."""
        for item_id in [each for each, its in self._labels.items() if its == label]:
            del self._labels[item_id]
            error = ToolExecutionError(message="The session was told of another server.")
            self._failed(label, item_id, error)

    def _listed(self, label: str, item_id: str, tools: tuple[ListedTool, ...]) -> None:
        usable = self._session.toolbox.listed(label, item_id, tools)
        item = McpListTools(id=item_id, server_label=label, tools=usable or [])
        if item_bytes(item) > MAX_LIST_BYTES:
            message = f"The tools take more than {MAX_LIST_BYTES} bytes: allow fewer of them."
            self._failed(label, item_id, ToolExecutionError(message=message))
            return
        self._outbox.send(told.McpListToolsCompleted(item_id=item_id))
        self._done(item)
        self._outbox.command(engine.Update(self._session.engine_config()))

    def _failed(self, label: str, item_id: str, error: McpError) -> None:
        self._session.toolbox.failed(label, item_id)
        self._outbox.send(told.McpListToolsFailed(item_id=item_id))
        self._done(McpListTools(id=item_id, server_label=label, error=error))

    def _done(self, item: McpListTools) -> None:
        self._history.replace(item)
        previous = self._history.previous_id(str(item.id))
        self._outbox.send(api.ConversationItemDone(item=item, previous_item_id=previous))
