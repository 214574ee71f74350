"""OpenAI's agents for Python, over a WebSocket: tools, a handoff, and what was heard."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from agents import function_tool
from agents.realtime import (
    RealtimeAgent,
    RealtimeRunner,
    RealtimeSession,
    RealtimeSessionEvent,
    realtime_handoff,
)
from agents.realtime.config import RealtimeRunConfig

from antiphon.wav import Samples
from tests.e2e.sdk_deployment import SdkDeployment
from tests.e2e.speech import Speaker
from tests.e2e.stand_in_model import LONG_ANSWER, TELL_ME_MORE
from tests.e2e.test_websocket import loud, pcm

PATIENCE_S = 30.0
QUESTION = "what time is it"
LISTENS_FOR_S = 2.0
PIECE_S = 0.1
PIECE = int(2 * 24_000 * PIECE_S)


class Listener:
    """Whoever uses the session: hears all its events."""

    def __init__(self, session: RealtimeSession) -> None:
        self.session = session
        self.events: list[RealtimeSessionEvent] = []
        self._microphone = bytearray()
        self._more = asyncio.Condition()

    async def listen(self) -> None:
        async for event in self.session:
            async with self._more:
                self.events.append(event)
                self._more.notify_all()

    async def until(self, condition: Callable[[], object]) -> None:
        async with self._more:
            await self._more.wait_for(condition)

    async def speak(self) -> None:
        """As a microphone that is always on."""
        while True:
            piece, self._microphone = self._microphone[:PIECE], self._microphone[PIECE:]
            await self.session.send_audio(bytes(piece.ljust(PIECE, b"\0")))
            await asyncio.sleep(PIECE_S)

    def say(self, samples: Samples) -> None:
        self._microphone += pcm(samples)

    def of(self, type_: str) -> list[Any]:
        return [event for event in self.events if event.type == type_]

    def server_events(self, type_: str = "") -> list[dict[str, Any]]:
        """As they came, all or those of a type."""
        raw = [e.data for e in self.of("raw_model_event")]
        events = [e.data for e in raw if e.type == "raw_server_event"]
        return [event for event in events if event["type"] == (type_ or event["type"])]

    def answers(self) -> list[str]:
        """The assistant's words, as the history has them."""
        items = [i for i in self.session._history if i.type == "message" and i.role == "assistant"]
        return ["".join(part.transcript or "" for part in item.content) for item in items]

    def audio(self) -> bytes:
        return b"".join(event.audio.data for event in self.of("audio"))


@pytest.fixture
def trusted(sdks: SdkDeployment, monkeypatch: pytest.MonkeyPatch) -> SdkDeployment:
    monkeypatch.setenv("SSL_CERT_FILE", str(sdks.certificate))
    return sdks


@asynccontextmanager
async def session(sdks: SdkDeployment, agent: RealtimeAgent[Any]) -> AsyncIterator[Listener]:
    """One whose events are all what the SDK knows, and none an error."""
    config: RealtimeRunConfig = {"tracing_disabled": True}
    model = {"url": sdks.websocket_url, "api_key": sdks.api_key}
    runner = RealtimeRunner(agent, config=config)
    async with asyncio.timeout(PATIENCE_S), await runner.run(model_config=model) as running:
        listener = Listener(running)
        tasks = [asyncio.create_task(task) for task in (listener.listen(), listener.speak())]
        try:
            yield listener
        finally:
            for task in tasks:
                task.cancel()
            print("\n".join(map(str, listener.server_events())))  # shown with a failed test
    assert listener.of("error") == []


async def test_a_spoken_question_has_a_tool_run_once(
    trusted: SdkDeployment, speaker: Speaker
) -> None:
    runs: list[str] = []

    @function_tool(description_override=QUESTION)
    def current_time() -> str:
        runs.append("run")
        return "half past nine"

    agent = RealtimeAgent(name="clock", instructions="I am a clock.", tools=[current_time])
    async with session(trusted, agent) as listener:
        listener.say(speaker.say(QUESTION))
        await listener.until(lambda: "It is half past nine." in listener.answers())
        await listener.until(lambda: len(listener.server_events("response.done")) == 2)
        asked = [
            part.transcript
            for item in listener.session._history
            if item.type == "message" and item.role == "user"
            for part in item.content
        ]
    assert runs == ["run"]
    assert [event.output for event in listener.of("tool_end")] == ["half past nine"]
    assert asked == [QUESTION]
    assert loud(listener.audio())


async def test_one_agent_hands_over_to_another(trusted: SdkDeployment) -> None:
    billing = RealtimeAgent(name="billing", instructions="I am the billing department.")
    handoff = realtime_handoff(billing, tool_description_override="ask somebody about my bill")
    reception = RealtimeAgent(
        name="reception", instructions="I am the reception.", handoffs=[handoff]
    )
    async with session(trusted, reception) as listener:
        await listener.session.send_message("Hello.")
        await listener.until(lambda: "I am the reception." in listener.answers())
        await listener.session.send_message("I would like to ask somebody about my bill.")
        await listener.until(lambda: "I am the billing department." in listener.answers())
    [handed_over] = listener.of("handoff")
    assert (handed_over.from_agent.name, handed_over.to_agent.name) == ("reception", "billing")


async def test_what_was_not_heard_is_not_in_the_history(
    trusted: SdkDeployment, speaker: Speaker
) -> None:
    agent = RealtimeAgent(name="talker", instructions="I talk.")
    async with session(trusted, agent) as listener:
        await listener.session.send_message(TELL_ME_MORE)
        await listener.until(lambda: listener.of("audio"))
        await asyncio.sleep(LISTENS_FOR_S)
        listener.say(speaker.say(QUESTION))
        await listener.until(lambda: listener.of("audio_interrupted"))
        await listener.until(lambda: listener.server_events("conversation.item.retrieved"))
        [truncated] = listener.server_events("conversation.item.truncated")
        await listener.until(lambda: LONG_ANSWER.strip() not in listener.answers()[0])
        heard = listener.answers()[0]
    assert truncated["audio_end_ms"] >= 1000 * LISTENS_FOR_S
    assert 0 < len(heard) < len(LONG_ANSWER)
    assert LONG_ANSWER.startswith(heard)
