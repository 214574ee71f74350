"""Collects what a conversation wants done, and holds events until the client can hear them."""

from collections import deque
from collections.abc import Callable

import msgspec

from antiphon_proto.realtime import ServerEvent
from antiphon_proto.realtime.server_events import InputAudioBufferDtmfEventReceived
from antiphon_proto.trunk import Command
from transceiver.conversation_outputs import (
    CLIENT,
    EVERYONE,
    SIDEBANDS,
    Output,
    SendEngineCommand,
    SendEvent,
)

MAX_HELD = 256
"""Events kept for a channel that is not open; beyond it the oldest are forgotten."""


class Outbox:
    """Outputs in order, until `drain`."""

    def __init__(self, new_id: Callable[[str], str]) -> None:
        self._new_id = new_id
        self._outputs: list[Output] = []
        self._held: deque[ServerEvent] | None = deque(maxlen=MAX_HELD)
        self._watcher: Callable[[ServerEvent], None] | None = None
        self._overheard = False
        self.asker = CLIENT
        """Whose event is being handled."""

    def watch(self, watcher: Callable[[ServerEvent], None]) -> None:
        """Have `watcher` told of every event when it is sent to the client."""
        self._watcher = watcher

    def send(self, *events: ServerEvent) -> None:
        """Send events to everyone, each with an id of its own."""
        for event in events:
            identified = self._identified(event)
            if self._held is None:
                self._send(identified, EVERYONE)
                continue
            self._held.append(identified)
            if self._overheard:
                self._send(identified, SIDEBANDS)

    def reply(self, event: ServerEvent) -> None:
        """Send an event to the asker alone."""
        identified = self._identified(event)
        if self._held is not None and self.asker == CLIENT:
            self._held.append(identified)
        else:
            self._send(identified, self.asker)

    def greet(self, sideband: int, greeting: ServerEvent) -> None:
        """A sideband hears from here on, whether the client does or not: `greeting` first."""
        self._overheard = True
        self._send(self._identified(greeting), sideband)

    def command(self, command: Command) -> None:
        """Send a command to the engine."""
        self._outputs.append(SendEngineCommand(command))

    def add(self, output: Output) -> None:
        self._outputs.append(output)

    def open(self, *greetings: ServerEvent) -> None:
        """The client hears from here on: `greetings` first, then what was held."""
        held, self._held = self._held, None
        for event in (*map(self._identified, greetings), *(held or ())):
            self._send(event, CLIENT)

    def drain(self) -> list[Output]:
        outputs, self._outputs = self._outputs, []
        return outputs

    def _identified(self, event: ServerEvent) -> ServerEvent:
        if isinstance(event, InputAudioBufferDtmfEventReceived):
            return event
        return msgspec.structs.replace(event, event_id=self._new_id("event"))

    def _send(self, event: ServerEvent, to: int) -> None:
        if self._watcher is not None and to in (CLIENT, EVERYONE):
            self._watcher(event)
        self._outputs.append(SendEvent(event, to))
