"""The model's side of the messages: sessions in slots, and a step of all that are ready."""

import logging
from collections.abc import Callable

import msgspec
import numpy as np

from antiphon_proto.audio_block import BYTES_PER_SAMPLE
from inference.engines.cascade.worker_messages import Kind, WorkerMessage
from inference.engines.native.compaction import ContextLimits
from inference.engines.native.model_messages import AgentStep, BatchReport
from inference.engines.native.slot_table import NoSlotError
from inference.engines.native.step import STEP_SAMPLES, SlotStep, StepModel, StepPlan
from inference.engines.native.step_scheduler import StepScheduler

logger = logging.getLogger(__name__)

FULL_SCALE = np.float32(32767)


class StepServer:
    """Gives sessions their steps."""

    def __init__(self, model: StepModel, limits: ContextLimits, clock: Callable[[], float]) -> None:
        """`clock` gives seconds."""
        self._model = model
        self._clock = clock
        self._scheduler = StepScheduler(model.slots, limits)

    def receive(self, message: WorkerMessage) -> None:
        """Take a message; a session that finds no slot gets no steps."""
        now = self._clock()
        match message.kind:
            case Kind.OPEN_STREAM:
                try:
                    self._scheduler.open(message.stream, now)
                except NoSlotError:
                    logger.warning("session %d found no slot", message.stream)
            case Kind.CLOSE_STREAM:
                self._scheduler.close(message.stream)
            case Kind.AUDIO:
                if len(message.payload) == STEP_SAMPLES * BYTES_PER_SAMPLE:
                    heard = np.frombuffer(message.payload, "<i2").astype(np.float32)
                    self._scheduler.push(message.stream, heard / FULL_SCALE, now)
            case _:
                logger.error("message %s is none for a model", message.kind.name)

    def wait_s(self) -> float | None:
        """How long nothing is ready unless a message comes; None for ever."""
        stall = self._scheduler.next_stall()
        return None if stall is None else max(0.0, stall - self._clock())

    def step(self) -> list[WorkerMessage]:
        """Run one batch of what is ready; nothing where nothing is."""
        began = self._clock()
        plan = self._scheduler.plan(began)
        if plan is None:
            return []
        steps = self._scheduler.complete(self._model.run(plan))
        report = self._report(self._clock() - began, plan)
        messages = [
            WorkerMessage(Kind.STEP, session, payload=_agent_step(step).pack())
            for session, step in steps.items()
        ]
        return [*messages, WorkerMessage(Kind.BATCH, payload=msgspec.json.encode(report))]

    def _report(self, seconds: float, plan: StepPlan) -> BatchReport:
        counters = self._scheduler.counters
        return BatchReport(
            seconds=seconds,
            slots=len(plan.heard),
            stalled=counters.stalled,
            shed={reason.value: count for reason, count in counters.shed.items()},
            handoffs=counters.handoffs,
            forgotten=counters.forgotten,
        )


def _agent_step(step: SlotStep) -> AgentStep:
    if step.pcm is None:
        return AgentStep(0.0, step.piece, b"")
    pcm = (step.pcm.clip(-1, 1) * FULL_SCALE).astype("<i2").tobytes()
    return AgentStep(float(np.sqrt(np.mean(step.pcm * step.pcm))), step.piece, pcm)
