"""Native speech-to-speech: a Moshi-class model that hears and speaks at once.

    sessions ──frames of 80 ms──► model process: slots of one batch ──steps──► sessions

The model has a process of its own: its steps hold neither this one's event loop nor
its interpreter lock, and its crash ends its sessions only.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec

import msgspec

from antiphon_proto.trunk import Error, Item, Ready, SessionConfig
from chassis.logs import log_format_in_use
from inference.engine import Capabilities, Emit
from inference.engines.cascade.counters import CascadeCounters
from inference.engines.cascade.vad import SileroModel, VoiceBatch
from inference.engines.cascade.worker_messages import Kind, WorkerMessage
from inference.engines.cascade.worker_process import WorkerLostError, WorkerProcess
from inference.engines.native.backlog import Shed
from inference.engines.native.counters import ModelWorker, NativeCounters
from inference.engines.native.model_messages import AgentStep, BatchReport, ModelInfo
from inference.engines.native.session import NativeSession
from inference.engines.native.step import SAMPLE_RATE
from inference.engines.native.step_budget import BUDGET_S, StepBudget
from inference.error_code import EngineError, ErrorCode

logger = logging.getLogger(__name__)

START_TIMEOUT_S = 1800.0
"""Weights may have to be downloaded first."""

NEEDED = ("torch", "moshi", "sentencepiece")
INSTALL = "make native, or pip install 'antiphon[native]' && pip install --no-deps moshi"
FAILED = Error(ErrorCode.ENGINE_FAILED, "the engine failed", fatal=True)
MODEL_LOST = Error(ErrorCode.ENGINE_FAILED, "the model process ended", fatal=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class NativeOptions:
    model: str
    """A directory, or an id on the Hugging Face hub."""
    slots: int = 16
    """Sessions at once, if the device keeps up."""
    device: str = "cuda"
    int8: bool = False
    threads: int = 0
    """Of the model on CPU; 0 for torch's choice."""
    step_budget_s: float = BUDGET_S
    """What a step of all slots may take."""

    def arguments(self) -> list[str]:
        flags = ["--model", self.model, "--slots", str(self.slots), "--device", self.device]
        flags += ["--threads", str(self.threads), "--budget-s", str(self.step_budget_s)]
        return [*flags, "--int8"] if self.int8 else flags


@dataclass(slots=True)
class _Open:
    session: NativeSession
    emit: Emit


class NativeEngine:
    """Opens sessions while the model has a slot for them and keeps up."""

    name = "native"
    capabilities = Capabilities(SAMPLE_RATE, SAMPLE_RATE, full_duplex=True)

    def __init__(
        self,
        options: NativeOptions,
        cascade_counters: CascadeCounters,
        on_batch: Callable[[BatchReport], None] = lambda report: None,
    ) -> None:
        """`cascade_counters` count the runs of the voice activity model; `on_batch` sees
        each of the model's."""
        self._on_batch = on_batch
        self.counters = NativeCounters()
        self._vad_counters = cascade_counters
        self._options = options
        self._sessions: dict[int, _Open] = {}
        self._number = 0
        self._budget = StepBudget(self._options.step_budget_s)
        self._before = BatchReport(0.0, 0, 0, {}, 0, 0)
        self._batch: VoiceBatch | None = None
        self._worker = WorkerProcess(
            ModelWorker.MODEL,
            "inference.engines.native.model_worker",
            [*options.arguments(), f"--log-format={log_format_in_use()}"],
            self.counters,
            on_message=self._receive,
            on_lost=self._lose,
            start_timeout_s=START_TIMEOUT_S,
        )

    @property
    def process_id(self) -> int | None:
        return self._worker.process_id

    async def start(self) -> None:
        missing = [name for name in NEEDED if find_spec(name) is None]
        if missing:
            raise OSError(f"the native engine needs {', '.join(missing)}: {INSTALL}")
        loop = asyncio.get_running_loop()
        self._batch = VoiceBatch(SileroModel(), self._vad_counters, loop.call_soon)
        await self._worker.start()

    async def close(self) -> None:
        await self._worker.close()

    def unready_reason(self) -> str | None:
        return None if self._worker.ready else "the model is not running"

    def open(
        self, config: SessionConfig, history: Sequence[Item], emit: Emit, session_key: str = ""
    ) -> NativeSession:
        assert self._batch is not None, "open before start"
        self._admit()
        self._number += 1
        number = self._number
        self._send(WorkerMessage(Kind.OPEN_STREAM, number))
        session = NativeSession(
            config,
            batch=self._batch,
            hear=lambda frame: self._tell(WorkerMessage(Kind.AUDIO, number, payload=frame)),
            leave=lambda: self._leave(number),
            emit=emit,
            clock=asyncio.get_running_loop().time,
        )
        self._sessions[number] = _Open(session, emit)
        self.counters.sessions = len(self._sessions)
        emit(Ready(self.name, SAMPLE_RATE, SAMPLE_RATE, full_duplex=True))
        return session

    def _admit(self) -> None:
        """Raises EngineError when a session more would be one too many."""
        if not self._worker.ready:
            raise EngineError(ErrorCode.ENGINE_FAILED, "the model is not running")
        if len(self._sessions) >= self.counters.slots:
            raise EngineError(
                ErrorCode.AT_CAPACITY, f"the model has {self.counters.slots} slots, all taken"
            )
        if self._sessions and self._budget.exceeded:
            raise EngineError(ErrorCode.AT_CAPACITY, "the model does not keep up with more")

    def _leave(self, number: int) -> None:
        if self._sessions.pop(number, None) is not None:
            self.counters.sessions = len(self._sessions)
            self._tell(WorkerMessage(Kind.CLOSE_STREAM, number))

    def _send(self, message: WorkerMessage) -> None:
        """Raises EngineError when the model is gone."""
        try:
            self._worker.send(message)
        except WorkerLostError as error:
            raise EngineError(ErrorCode.ENGINE_FAILED, str(error)) from error

    def _tell(self, message: WorkerMessage) -> None:
        """Send what matters no more once the model is gone: its sessions are then told."""
        try:
            self._worker.send(message)
        except WorkerLostError:
            logger.debug("a message for a model that is gone")

    def _receive(self, message: WorkerMessage) -> None:
        match message.kind:
            case Kind.STEP:
                if (opened := self._sessions.get(message.stream)) is not None:
                    self._step(message.stream, opened, AgentStep.unpack(message.payload))
            case Kind.BATCH:
                self._count(msgspec.json.decode(message.payload, type=BatchReport))
            case Kind.MODEL:
                info = msgspec.json.decode(message.payload, type=ModelInfo)
                self.counters.slots = info.slots
                logger.info("a step of %d slots takes %.3f s", info.slots, info.step_seconds)
            case _:
                logger.error("message %s is none of a model", message.kind.name)

    def _step(self, number: int, opened: _Open, step: AgentStep) -> None:
        """A bug in what follows from a step ends that session only."""
        try:
            opened.session.step(step)
        except Exception:
            logger.exception("session %d failed on a step", number)
            opened.emit(FAILED)

    def _count(self, report: BatchReport) -> None:
        self._on_batch(report)
        counters, before = self.counters, self._before
        self._budget.record(report.seconds)
        counters.batch(report.seconds, report.slots)
        counters.stalled += report.stalled - before.stalled
        counters.handoffs += report.handoffs - before.handoffs
        counters.forgotten += report.forgotten - before.forgotten
        for reason in Shed:
            new = report.shed.get(reason.value, 0) - before.shed.get(reason.value, 0)
            counters.shed[reason] += new
        self._before = report

    def _lose(self) -> None:
        """The model is gone, and with it what its sessions remembered."""
        self._before = BatchReport(0.0, 0, 0, {}, 0, 0)
        self._budget = StepBudget(self._options.step_budget_s)
        lost, self._sessions = list(self._sessions.values()), {}
        self.counters.sessions = 0
        for opened in lost:
            opened.emit(MODEL_LOST)
