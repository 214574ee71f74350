"""What a conversation asks of the call that runs it, in the order in which it must happen."""

from dataclasses import dataclass

from antiphon_proto.realtime import ServerEvent
from antiphon_proto.realtime.audio_format import AudioFormat
from antiphon_proto.trunk import Command
from transceiver.close_reason import CloseReason
from transceiver.ledger import TurnAccount
from transceiver.mcp.requests import McpRequest

EVERYONE = -1
"""Hears what happens in a conversation: its client, and its sidebands."""

CLIENT = 0
"""A sideband has a number of its own, from 1 on."""

SIDEBANDS = -2
"""All, but not the client."""


@dataclass(frozen=True, slots=True)
class SendEvent:
    """Send to those whom it is for."""

    event: ServerEvent
    to: int = EVERYONE


@dataclass(frozen=True, slots=True)
class SendEngineCommand:
    """Send to the engine, behind the input audio forwarded so far."""

    command: Command


@dataclass(frozen=True, slots=True)
class AppendAudio:
    """Take the client's audio, which came in the event `event_id`, in the session's format."""

    audio: bytes
    format: AudioFormat
    event_id: str | None = None


@dataclass(frozen=True, slots=True)
class PlayAudio:
    """Queue PCM of a response for playout."""

    response: int
    pcm: bytes


@dataclass(frozen=True, slots=True)
class FinishPlayout:
    """No more audio of this response will be queued."""

    response: int


@dataclass(frozen=True, slots=True)
class CutPlayout:
    """Drop everything that is queued for playout."""


@dataclass(frozen=True, slots=True)
class HoldPlayout:
    """Be silent at once; what is queued stays, and so does what comes."""


@dataclass(frozen=True, slots=True)
class ResumePlayout:
    """Go on after a hold, with up to the last `again_ms` of what was played once more."""

    again_ms: int


@dataclass(frozen=True, slots=True)
class TurnMeasured:
    """A turn's latency is known: observe it."""

    account: TurnAccount


@dataclass(frozen=True, slots=True)
class RunMcp:
    """Ask an MCP server; what comes of it goes to the conversation's `mcp_outcome`."""

    request: McpRequest


@dataclass(frozen=True, slots=True)
class CloseCall:
    """End the call."""

    reason: CloseReason


PlayoutCommand = PlayAudio | FinishPlayout | CutPlayout | HoldPlayout | ResumePlayout
"""For the playout, where the server owns its clock."""

Output = (
    SendEvent | SendEngineCommand | AppendAudio | PlayoutCommand | TurnMeasured | RunMcp | CloseCall
)
