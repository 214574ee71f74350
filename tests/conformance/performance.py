"""Plays a scenario against a server, and holds the server to it."""

import asyncio
import json
from dataclasses import dataclass, field

import msgspec

from antiphon_proto import trunk
from tests.conformance.clients import Client, Event, SessionClosedError, session
from tests.conformance.names import Names
from tests.conformance.scenario import Actor, Scenario, Step, Transport
from tests.conformance.scripted_replica import ScriptedSession
from tests.conformance.stage import Stage
from tests.transceiver import official_shapes
from tests.transceiver.event_rules import EventRules

PATIENCE_S = 10.0
LOOK_S = 0.01
END = "the_end"
UNNAMED = {"conversation.created", "rate_limits.updated"}
"""Events that a scenario need not mention."""
REPEATED = "response.output_audio.delta"
"""However many: the server cuts audio as it comes."""


class ScenarioFailedError(AssertionError):
    """The server did something else."""


@dataclass
class Performance:
    """One scenario on one transport: `events` are what the server sent."""

    scenario: Scenario
    client: Client
    sessions: list[ScriptedSession]
    """At the engine: the last one serves, and after a fatal error the next one does."""
    names: Names = field(default_factory=Names)
    events: list[Event] = field(default_factory=list)
    rules: EventRules = field(default_factory=EventRules)
    _lost: int = 0

    async def play(self, steps: list[Step]) -> None:
        """Raises ScenarioFailedError."""
        if (steps[0].actor, steps[0].name) != (Actor.SERVER, "session.created"):
            await self._event()
        for step in steps:
            await self._take(step)
        if steps[-1].actor is not Actor.CLOSED:
            await self._nothing_more()

    async def _take(self, step: Step) -> None:
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self._act(step)
        except TimeoutError:
            raise self._failure(step, f"did not come within {PATIENCE_S:g} s") from None
        except SessionClosedError as closed:
            raise self._failure(step, str(closed)) from None
        except (KeyError, ValueError) as error:
            raise self._failure(step, f"cannot be done: {error!r}") from error

    async def _act(self, step: Step) -> None:
        members = step.members
        match step.actor:
            case Actor.CLIENT if step.name == "raw":
                await self.client.send(members["text"])
            case Actor.CLIENT:
                event = {"type": step.name, **self.names.event(members)}
                await self.client.send(json.dumps(event))
            case Actor.SERVER:
                await self._expect(step)
            case Actor.USER:
                await self.client.speak(members["ms"], await self._serving())
            case Actor.ENGINE:
                await self._tell(step)
            case Actor.ASKED:
                await self._asked(step)
            case Actor.CLOSED:
                await self._closed(step)

    async def _tell(self, step: Step) -> None:
        members, engine = self.names.event(step.members), await self._serving()
        if "response" in members:
            await engine.asked_for(members["response"])
        if step.name == "Audio":
            engine.speak(members["response"], members["ms"])
            return
        engine.emit(msgspec.convert(members, getattr(trunk, step.name)))
        if members.get("fatal"):
            self._lost = len(self.sessions)

    async def _serving(self) -> ScriptedSession:
        """The engine's session, when there is one."""
        while len(self.sessions) == self._lost:
            await asyncio.sleep(LOOK_S)
        return self.sessions[-1]

    async def _expect(self, step: Step) -> None:
        event = await self._event()
        before = self.events[-2]["type"] if len(self.events) > 1 else None
        while event["type"] != step.name and (
            event["type"] in UNNAMED or event["type"] == before == REPEATED
        ):
            event = await self._event()
        if event["type"] != step.name:
            raise self._failure(step, f"but this came: {json.dumps(event)}")
        difference = self.names.difference(step.members, event)
        if difference:
            raise self._failure(step, difference)

    async def _asked(self, step: Step) -> None:
        engine = await self._serving()
        while True:
            command = await engine.commands.get()
            if type(command).__name__ == step.name:
                break
        difference = self.names.difference(
            step.members, msgspec.json.decode(msgspec.json.encode(command))
        )
        if difference:
            raise self._failure(step, difference)

    async def _closed(self, step: Step) -> None:
        try:
            while True:
                event = await self._event()
                if event["type"] not in UNNAMED:
                    raise self._failure(step, f"but this came: {json.dumps(event)}")
        except SessionClosedError as closed:
            expected = step.members.get("code")
            if closed.code is not None and expected is not None and closed.code != expected:
                raise self._failure(step, f"with {closed.code}") from None

    async def _nothing_more(self) -> None:
        """What the engine has told and what the client has sent is behind us."""
        (await self._serving()).emit(trunk.Error("engine_failed", END))
        await self._take(_error(message=END))
        probe = {"type": "conversation.item.retrieve", "item_id": END, "event_id": END}
        await self.client.send(json.dumps(probe))
        await self._take(_error(event_id=END))

    async def _event(self) -> Event:
        event = await self.client.event()
        self.events.append(event)
        official_shapes.check(event)
        self.rules.take(event)
        return event

    def _failure(self, step: Step, how: str) -> ScenarioFailedError:
        told = "\n".join(f"    {event['type']}" for event in self.events)
        where = f"{self.scenario.name}, line {step.line}" if step.line else "behind the last line"
        return ScenarioFailedError(f"{where}: {step}\n  {how}\n  so far:\n{told}")


def _error(**members: str) -> Step:
    named = {f"error.{name}": value for name, value in members.items()}
    return Step(Actor.SERVER, "error", named, frozenset(), 0)


async def perform(stage: Stage, scenario: Scenario, transport: Transport) -> list[Event]:
    """The events that the client got. Raises ScenarioFailedError."""
    async with session(stage, transport, scenario.model, scenario.intent) as client:
        sessions = stage.replica.sessions(scenario.model)
        performance = Performance(scenario, client, sessions, Names(stage.names))
        await performance.play(scenario.on(transport))
        return performance.events
