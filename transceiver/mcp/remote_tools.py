"""The conversation's remote tools: what its other parts ask of them."""

from collections.abc import Callable

from antiphon_proto import trunk as engine
from antiphon_proto.realtime import RealtimeError
from antiphon_proto.realtime import client_events as asked
from antiphon_proto.realtime.mcp import McpApprovalRequest, McpApprovalResponse, McpListTools
from transceiver.item_history import ItemHistory
from transceiver.mcp.requests import McpOutcome, ToolReturned, ToolsListed
from transceiver.mcp.tool_calls import ToolCalls
from transceiver.mcp.tool_listings import HeldResponse, ToolListings
from transceiver.mcp.toolbox import Offer
from transceiver.outbox import Outbox
from transceiver.response_output import ResponseOutput
from transceiver.session_state import SessionState


class RemoteTools:
    """Asks by `RunMcp`; what comes of it goes to `take`."""

    def __init__(
        self,
        outbox: Outbox,
        session: SessionState,
        history: ItemHistory,
        new_id: Callable[[str], str],
    ) -> None:
        self._listings = ToolListings(outbox, session, history, new_id)
        self._calls = ToolCalls(outbox, history, new_id)

    def list_servers(self) -> None:
        """The session's configuration may have changed."""
        self._listings.begin()

    def hold(self, event: asked.ResponseCreate) -> bool:
        """Whether a response must wait for tools that it names itself. Raises RealtimeError."""
        return self._listings.hold(event)

    def call(self, output: ResponseOutput, offer: Offer, wanted: engine.FunctionCall) -> bool:
        """Run a call that the model made, unless it is one of a client's function."""
        tool = offer.remote.get(wanted.name)
        if tool is not None:
            self._calls.call(output, tool, wanted)
        return tool is not None

    def take(self, outcome: McpOutcome) -> list[HeldResponse]:
        """Tell what came of a request; the responses that are to be made now."""
        if isinstance(outcome, ToolsListed):
            return self._listings.ended(outcome)
        self._calls.ended(outcome)
        return [] if isinstance(outcome, ToolReturned) else self._listings.ended(outcome)

    def create_item(
        self,
        event: asked.ConversationItemCreate,
        create: Callable[[asked.ConversationItemCreate], None],
    ) -> None:
        """Have `create` insert an item, and follow an answer to an approval request.

        Raises RealtimeError for an item that only the server makes.
        """
        item = event.item
        if isinstance(item, McpListTools | McpApprovalRequest):
            raise RealtimeError(
                "invalid_value", "Only the server makes items of this type.", param="item.type"
            )
        if isinstance(item, McpApprovalResponse):
            self._calls.check_answer(item)
        create(event)
        if isinstance(item, McpApprovalResponse):
            self._calls.answer(item)
