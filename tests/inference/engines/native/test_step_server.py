"""Messages in, messages out, around a scripted model."""

import msgspec
import numpy as np
import pytest

from inference.engines.cascade.worker_messages import Kind, WorkerMessage
from inference.engines.native.compaction import ContextLimits
from inference.engines.native.model_messages import AgentStep, BatchReport, ModelMessageError
from inference.engines.native.step_server import StepServer
from tests.inference.engines.native.scripted_model import ScriptedModel

FRAME = (np.sin(np.arange(1920) / 10) * 9000).astype("<i2").tobytes()


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def model() -> ScriptedModel:
    return ScriptedModel(2)


@pytest.fixture
def server(model: ScriptedModel) -> StepServer:
    return StepServer(model, ContextLimits.of(1000), Clock())


def test_a_step(server: StepServer, model: ScriptedModel) -> None:
    model.pieces[0] = "\u2581hi"
    server.receive(WorkerMessage(Kind.OPEN_STREAM, 5))
    server.receive(WorkerMessage(Kind.AUDIO, 5, payload=FRAME))
    step, report = server.step()
    assert (step.kind, step.stream) == (Kind.STEP, 5)
    assert AgentStep.unpack(step.payload) == AgentStep(0.0, "\u2581hi", bytes(3840))
    assert msgspec.json.decode(report.payload, type=BatchReport).slots == 1
    heard = model.plans[0].heard[0]
    assert 0.2 < np.abs(heard).max() < 0.3
    assert server.step() == []


@pytest.mark.parametrize(
    "message",
    [
        WorkerMessage(Kind.AUDIO, 5, payload=FRAME[:-1]),
        WorkerMessage(Kind.AUDIO, 6, payload=FRAME),
        WorkerMessage(Kind.SPEAK, 5, payload=b"{}"),
        WorkerMessage(Kind.CLOSE_STREAM, 6),
    ],
)
def test_what_means_nothing_changes_nothing(server: StepServer, message: WorkerMessage) -> None:
    server.receive(WorkerMessage(Kind.OPEN_STREAM, 5))
    server.receive(message)
    assert server.step() == []


def test_a_session_too_many_gets_no_steps(server: StepServer) -> None:
    for session in (1, 2, 3):
        server.receive(WorkerMessage(Kind.OPEN_STREAM, session))
        server.receive(WorkerMessage(Kind.AUDIO, session, payload=FRAME))
    assert [message.stream for message in server.step()[:-1]] == [1, 2]


@pytest.mark.parametrize("payload", [b"", b"\0" * 5, b"\0" * 6 + b"\1", b"\0\0\0\0\2\0\xff\xff"])
def test_what_is_no_step(payload: bytes) -> None:
    with pytest.raises(ModelMessageError):
        AgentStep.unpack(payload)
