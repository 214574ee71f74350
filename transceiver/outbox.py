"""Collects what a conversation wants done, and holds events until the client can hear them."""

from collections import deque
from collections.abc import Callable

import msgspec

from antiphon_proto.realtime import ServerEvent
from antiphon_proto.trunk import Command
from transceiver.conversation_outputs import Output, SendEngineCommand, SendEvent

MAX_HELD = 256
"""Events kept for a channel that is not open; beyond it the oldest are forgotten."""


class Outbox:
    """Outputs in order, until `drain`."""

    def __init__(self, new_id: Callable[[str], str]) -> None:
        self._new_id = new_id
        self._outputs: list[Output] = []
        self._held: deque[ServerEvent] | None = deque(maxlen=MAX_HELD)

    def send(self, *events: ServerEvent) -> None:
        """Send events to the client, each with an id of its own."""
        for event in events:
            if self._held is not None:
                self._held.append(event)
                continue
            identified = msgspec.structs.replace(event, event_id=self._new_id("event"))
            self._outputs.append(SendEvent(identified))

    def command(self, command: Command) -> None:
        """Send a command to the engine."""
        self._outputs.append(SendEngineCommand(command))

    def add(self, output: Output) -> None:
        self._outputs.append(output)

    def open(self, greeting: ServerEvent) -> None:
        """The client hears from here on: `greeting` first, then what was held."""
        held, self._held = self._held, None
        self.send(greeting, *(held or ()))

    def drain(self) -> list[Output]:
        outputs, self._outputs = self._outputs, []
        return outputs
