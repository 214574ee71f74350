"""The remote tools of a session, as the model is offered them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count

import msgspec

from antiphon_proto.realtime import RealtimeError
from antiphon_proto.realtime.mcp import ListedTool, McpChoice, McpTool
from antiphon_proto.realtime.session import FunctionChoice, FunctionTool, RealtimeSession
from antiphon_proto.trunk import Tool
from transceiver.mcp.definitions import Definitions
from transceiver.mcp.requests import McpServer

MAX_NAME = 64
"""Characters of a function's name that model servers take."""

MAX_OFFERED = 128
"""Remote tools that a model is offered at once; those of later servers are left out."""

_UNUSUAL = re.compile(r"[^A-Za-z0-9_-]")


class _Hints(msgspec.Struct):
    read_only: bool = msgspec.field(name="readOnlyHint", default=False)


@dataclass(frozen=True, slots=True)
class RemoteTool:
    """A tool of a server; `name` is what the server calls it."""

    label: str
    name: str
    server: McpServer
    needs_approval: bool


@dataclass(frozen=True, slots=True)
class Offer:
    """What the model may call: `remote` by the names in `tools`, and functions of the client."""

    tools: tuple[Tool, ...]
    choice: str
    remote: Mapping[str, RemoteTool] = field(default_factory=dict)


NOTHING = Offer((), "auto")


@dataclass(slots=True)
class _Listing:
    item_id: str
    server: McpServer
    shown: McpTool
    tools: tuple[ListedTool, ...] | None = None
    """None while it goes on."""
    names: dict[str, str] = field(default_factory=dict)
    """Of the tools, as the model sees them."""


class Toolbox:
    """Which servers a session has, and what was listed of them."""

    def __init__(self) -> None:
        self.definitions = Definitions()
        self._listings: dict[str, _Listing] = {}

    # ---- listing -------------------------------------------------------------

    def unlisted(self, session: RealtimeSession, *, anew: bool) -> list[McpTool]:
        """Servers of the session whose tools are not known, nor being listed.

        `anew`: also when other tools of it are allowed than those that the client was shown.
        """
        return [tool for tool in _remote(session) if self._unlisted(tool, anew=anew)]

    def listing(self, session: RealtimeSession) -> bool:
        """Whether a listing of one of the session's servers goes on."""
        found = (self._listings.get(tool.server_label) for tool in _remote(session))
        return any(listing is not None and listing.tools is None for listing in found)

    def begin(self, tool: McpTool, item_id: str) -> McpServer:
        """The tools of a server are being listed."""
        server = self.definitions.server(tool.server_label)
        self._listings[tool.server_label] = _Listing(item_id, server, tool)
        return server

    def listed(
        self, label: str, item_id: str, tools: tuple[ListedTool, ...]
    ) -> list[ListedTool] | None:
        """The tools that may be used of what was listed; None when nobody waits for them."""
        listing = self._listings.get(label)
        if listing is None or listing.item_id != item_id:
            return None
        listing.tools = tools
        listing.names = _names(label, tools, self._taken(label))
        return [tool for tool in tools if _allows(listing.shown, tool)]

    def failed(self, label: str, item_id: str) -> None:
        """The server is asked again when the client names it again."""
        listing = self._listings.get(label)
        if listing is not None and listing.item_id == item_id:
            del self._listings[label]

    def _unlisted(self, tool: McpTool, *, anew: bool) -> bool:
        listing = self._listings.get(tool.server_label)
        if listing is None or listing.server != self.definitions.server(tool.server_label):
            return True
        return anew and listing.shown.allowed_tools != tool.allowed_tools

    def _taken(self, label: str) -> set[str]:
        others = (listing for key, listing in self._listings.items() if key != label)
        return {name for listing in others for name in listing.names.values()}

    # ---- offering ------------------------------------------------------------

    def offer(self, session: RealtimeSession, *, approvals: bool = True) -> Offer:
        """What the model may call in this session.

        `approvals`: whether there is a conversation in which a client can be asked. A choice
        of a tool that is not there leaves the model free: see `check_choice`.
        """
        functions = [tool for tool in session.tools if isinstance(tool, FunctionTool)]
        offered = self._offered(session, {tool.name for tool in functions}, approvals=approvals)
        choice = session.tool_choice
        if isinstance(choice, McpChoice):
            chosen = [name for name, (tool, _) in offered.items() if _chosen(choice, tool)]
            if choice.name is None and chosen:
                functions = []
                offered = {name: offered[name] for name in chosen}
            word = ("required" if choice.name is None else chosen[0]) if chosen else "auto"
        elif isinstance(choice, FunctionChoice):
            there = offered.keys() | {tool.name for tool in functions}
            word = choice.name if choice.name in there else "auto"
        else:
            word = choice
        tools = (*map(_function, functions), *(described for _tool, described in offered.values()))
        return Offer(tools, word, {name: tool for name, (tool, _) in offered.items()})

    def check_choice(self, session: RealtimeSession, param: str) -> None:
        """Raises RealtimeError when a tool is to be called that the model cannot call."""
        choice = session.tool_choice
        if isinstance(choice, FunctionChoice):
            if choice.name not in {tool.name for tool in self.offer(session).tools}:
                raise RealtimeError(
                    "invalid_value",
                    f"There is no tool {choice.name!r}.",
                    param=f"{param}.tool_choice",
                )
        elif isinstance(choice, McpChoice) and not any(
            _chosen(choice, tool) for tool in self.offer(session).remote.values()
        ):
            raise RealtimeError(
                "invalid_value",
                f"No such tool of {choice.server_label!r} is available.",
                param=f"{param}.tool_choice",
            )

    def _offered(
        self, session: RealtimeSession, taken: set[str], *, approvals: bool
    ) -> dict[str, tuple[RemoteTool, Tool]]:
        offered: dict[str, tuple[RemoteTool, Tool]] = {}
        for wanted in _remote(session):
            listing = self._listings.get(wanted.server_label)
            if listing is None or listing.tools is None:
                continue
            for tool in listing.tools:
                remote = _remote_tool(wanted, tool, listing.server)
                name = listing.names[tool.name]
                usable = _allows(wanted, tool) and (approvals or not remote.needs_approval)
                if usable and name not in taken and len(offered) < MAX_OFFERED:
                    schema = bytes(tool.input_schema).decode()
                    offered[name] = remote, Tool(name, tool.description, schema)
        return offered


def _remote(session: RealtimeSession) -> list[McpTool]:
    return [tool for tool in session.tools if isinstance(tool, McpTool)]


def _remote_tool(wanted: McpTool, tool: ListedTool, server: McpServer) -> RemoteTool:
    approval = wanted.requires_approval(tool.name, read_only=_read_only(tool))
    return RemoteTool(wanted.server_label, tool.name, server, approval)


def _chosen(choice: McpChoice, tool: RemoteTool) -> bool:
    return tool.label == choice.server_label and choice.name in (None, tool.name)


def _allows(wanted: McpTool, tool: ListedTool) -> bool:
    return wanted.allows(tool.name, read_only=_read_only(tool))


def _read_only(tool: ListedTool) -> bool:
    if tool.annotations is msgspec.UNSET:
        return False
    try:
        return msgspec.json.decode(tool.annotations, type=_Hints).read_only
    except msgspec.MsgspecError:
        return False


def model_name(label: str, name: str) -> str:
    """How a model sees a server's tool, as a function whose name model servers take."""
    return _UNUSUAL.sub("_", f"{label}__{name}")[:MAX_NAME]


def _names(label: str, tools: Sequence[ListedTool], taken: set[str]) -> dict[str, str]:
    """A name for each tool that no other has."""
    names: dict[str, str] = {}
    for tool in tools:
        plain = model_name(label, tool.name)
        numbered = (f"{plain[: MAX_NAME - len(end)]}{end}" for end in map("_{}".format, count(2)))
        name = plain if plain not in taken else next(n for n in numbered if n not in taken)
        taken.add(name)
        names[tool.name] = name
    return names


def _function(tool: FunctionTool) -> Tool:
    parameters = bytes(tool.parameters).decode()
    return Tool(tool.name, tool.description or "", "{}" if parameters == "null" else parameters)
