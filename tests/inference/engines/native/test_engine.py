"""The native engine with a tiny model in its real process."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio

from antiphon_proto.trunk import (
    Done,
    DoneStatus,
    Error,
    Ready,
    Respond,
    ResponseProposed,
    ResponseStarted,
    SessionConfig,
    TextDelta,
    TurnDetection,
)
from inference.engine_output import Audio, EngineOutput
from inference.engines.cascade.counters import CascadeCounters
from inference.engines.native.engine import NativeEngine, NativeOptions
from inference.engines.native.session import NativeSession
from inference.error_code import EngineError, ErrorCode

pytestmark = pytest.mark.asyncio(loop_scope="module")

TIMEOUT_S = 30.0
DETECTING = SessionConfig(turn_detection=TurnDetection())


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine(options: NativeOptions) -> AsyncIterator[NativeEngine]:
    engine = NativeEngine(options, CascadeCounters())
    await engine.start()
    yield engine
    await engine.close()


class Client:
    """A session's other end."""

    def __init__(self, engine: NativeEngine, config: SessionConfig = DETECTING) -> None:
        self.outputs: list[EngineOutput] = []
        self.session: NativeSession = engine.open(config, (), self.outputs.append)
        self.position = 0
        self._random = np.random.default_rng(len(self.outputs))

    def speak(self, steps: int) -> None:
        """Noise, as loud as speech."""
        samples = self._random.integers(-3000, 3000, steps * 1920)
        self.session.push_audio(self.position, samples.astype("<i2").tobytes())
        self.position += len(samples)

    def all(self, kind: type[EngineOutput]) -> list[EngineOutput]:
        return [output for output in self.outputs if isinstance(output, kind)]

    async def until(self, kind: type[EngineOutput], count: int = 1) -> None:
        async with asyncio.timeout(TIMEOUT_S):
            while len(self.all(kind)) < count:
                await asyncio.sleep(0.02)


async def test_it_speaks_when_it_is_let(engine: NativeEngine) -> None:
    """A random model never stops: it proposes, and is cancelled."""
    client = Client(engine)
    assert client.outputs == [Ready("native", 24000, 24000, full_duplex=True)]
    client.speak(6)
    await client.until(ResponseProposed)
    assert client.all(Audio) == []

    client.session.respond(Respond(1, "item_1"))
    await client.until(Audio, 4)
    await client.until(TextDelta)
    client.session.cancel(1, 200)
    done = client.all(Done)
    assert isinstance(done[0], Done)
    assert (done[0].response, done[0].status) == (1, DoneStatus.CANCELLED)
    assert done[0].usage.output_audio_tokens == len(client.all(Audio))
    assert client.all(ResponseStarted) == [ResponseStarted(1)]
    audio = [output.pcm for output in client.outputs if isinstance(output, Audio)]
    assert {len(pcm) for pcm in audio} == {3840}
    assert len(set(audio)) == len(audio)
    client.session.close("test")


async def test_sessions_beyond_its_slots(engine: NativeEngine) -> None:
    clients = [Client(engine) for _ in range(2)]
    with pytest.raises(EngineError) as refusal:
        Client(engine)
    assert refusal.value.code is ErrorCode.AT_CAPACITY
    clients.pop().session.close("test")
    clients.append(Client(engine))
    clients[-1].speak(3)
    await clients[-1].until(ResponseProposed)
    for client in clients:
        client.session.close("test")
    assert engine.counters.sessions == 0


async def test_a_session_that_closes_in_mid_step_disturbs_no_other(engine: NativeEngine) -> None:
    leaving, staying = Client(engine), Client(engine)
    leaving.speak(20)
    staying.speak(4)
    await leaving.until(ResponseProposed)
    leaving.session.close("test")
    heard = len(leaving.outputs)
    await staying.until(ResponseProposed)
    staying.session.respond(Respond(1, "item_1"))
    staying.speak(4)
    await staying.until(Audio, 4)
    assert len(leaving.outputs) == heard
    staying.session.close("test")


async def test_a_second_response_at_once_is_refused(engine: NativeEngine) -> None:
    client = Client(engine)
    client.session.respond(Respond(1, "item_1"))
    with pytest.raises(EngineError) as refusal:
        client.session.respond(Respond(2, "item_2"))
    assert refusal.value.code is ErrorCode.RESPONSE_ACTIVE
    client.session.close("test")


async def test_it_goes_on_while_nothing_is_heard(engine: NativeEngine) -> None:
    client = Client(engine)
    await client.until(ResponseProposed)
    assert engine.counters.stalled > 0
    client.session.close("test")


async def test_a_crash_ends_its_sessions_and_the_model_is_started_again(
    engine: NativeEngine,
) -> None:
    client = Client(engine)
    assert engine.process_id is not None
    os.kill(engine.process_id, signal.SIGKILL)
    await client.until(Error)
    error = client.all(Error)[0]
    assert isinstance(error, Error)
    assert (error.code, error.fatal) == ("engine_failed", True)
    assert engine.unready_reason() == "the model is not running"
    with pytest.raises(EngineError, match="not running"):
        Client(engine)
    client.session.close("engine_failed")

    async with asyncio.timeout(TIMEOUT_S):
        while engine.unready_reason() is not None:
            await asyncio.sleep(0.05)
    again = Client(engine)
    again.speak(6)
    await again.until(ResponseProposed)
    again.session.close("test")
    assert sum(engine.counters.restarts.values()) == 1


async def test_a_model_that_is_not_there(tmp_path: Path) -> None:
    engine = NativeEngine(NativeOptions(model=str(tmp_path), device="cpu"), CascadeCounters())
    with pytest.raises(OSError, match=r"did not start: .*config\.json"):
        await engine.start()
