"""One session on a trunk: its engine, its input clock and its waiting output."""

from collections.abc import Callable
from contextvars import Context

from antiphon_proto.audio_block import BYTES_PER_SAMPLE
from antiphon_proto.trunk import (
    Cancel,
    ClearInput,
    Close,
    Command,
    Commit,
    Done,
    DoneStatus,
    Error,
    ItemCreate,
    ItemDelete,
    ItemTruncate,
    Open,
    PlaybackCredit,
    Respond,
    Update,
)
from chassis.logs import LoggedCall, current_call
from chassis.tracing.trace_context import trace_context
from chassis.tracing.tracer import NO_TRACER, SpanScope, Tracer, current_scope, within
from inference.engine import Engine
from inference.engine_output import EngineOutput
from inference.error_code import EngineError, ErrorCode
from inference.input_clock import InputClock
from inference.outbound import Outbound, OutboundOverflowError
from inference.response_spans import ResponseSpans


class TrunkSession:
    """Checks what the trunk asks of one engine session, and holds what it answers.

    `wake` is called when `outbound` may have something to send. The session has
    failed for good once `overflow` is set. The engine, and the tasks that it makes, run in
    a context that knows the call (`current_call`) and its span (`current_scope`).
    """

    def __init__(
        self,
        engine: Engine,
        request: Open,
        wake: Callable[[], None],
        tracer: Tracer = NO_TRACER,
    ) -> None:
        """Raises EngineError when the engine refuses the session."""
        capabilities = engine.capabilities
        scope = tracer.below(trace_context(request.traceparent))
        self.call = LoggedCall(request.call_id, scope.trace_id)
        self._context = _call_context(self.call, scope)
        self._spans = ResponseSpans(tracer, engine.name)
        self._wake = wake
        self._clock = InputClock(capabilities.input_rate)
        self._last_response = 0
        self._closed = False
        self.overflow: OutboundOverflowError | None = None
        self.outbound = Outbound(
            capabilities.output_rate,
            request.config.output_credit_ms,
            full_duplex=capabilities.full_duplex,
        )
        self._engine_session = self._context.run(
            engine.open, request.config, request.history, self.emit, request.call_id
        )

    @property
    def overlapped_bytes(self) -> int:
        return self._clock.overlapped_samples * BYTES_PER_SAMPLE

    def emit(self, output: EngineOutput) -> None:
        if self._closed or self.overflow is not None:
            return
        if isinstance(output, Done):
            self._spans.done(output)
        try:
            self.outbound.put(output)
        except OutboundOverflowError as error:
            self.overflow = error
        self._wake()

    def push_audio(self, position: int, pcm: bytes) -> None:
        for run in self._clock.place(position, pcm):
            self._context.run(self._engine_session.push_audio, run.position, run.pcm)

    def apply(self, command: Command) -> None:
        """Carry a command out; what cannot be done becomes an Error event."""
        try:
            self._context.run(self._apply, command)
        except EngineError as error:
            self.emit(Error(error.code, str(error)))

    def close(self, reason: str) -> None:
        self._context.run(self._close, reason)

    def _close(self, reason: str) -> None:
        self._closed = True
        self._spans.close(reason)
        self._engine_session.close(reason)

    def _apply(self, command: Command) -> None:
        engine_session = self._engine_session
        match command:
            case Open():
                raise EngineError(ErrorCode.SESSION_ALREADY_OPEN, "the session is open already")
            case Update(config):
                self.outbound.credit_ms = config.output_credit_ms
                engine_session.update(config)
            case Commit(item_id):
                engine_session.commit(item_id)
            case ClearInput():
                engine_session.clear_input()
            case Respond():
                self._respond(command)
            case Cancel(response, played_ms):
                self._cancel(response, played_ms)
            case ItemCreate(item, previous_item_id):
                engine_session.create_item(item, previous_item_id)
            case ItemTruncate(item_id, audio_end_ms):
                engine_session.truncate_item(item_id, audio_end_ms)
            case ItemDelete(item_id):
                engine_session.delete_item(item_id)
            case PlaybackCredit(response, played_ms):
                self.outbound.credit(response, played_ms)
                engine_session.played(response, played_ms)
                self._wake()
            case Close(reason):
                self._close(reason)

    def _respond(self, request: Respond) -> None:
        if request.response <= self._last_response:
            raise EngineError(
                ErrorCode.INVALID_RESPONSE,
                f"response {request.response} does not follow {self._last_response}",
            )
        self._last_response = request.response
        self.outbound.begin(request.response)
        try:
            with within(self._spans.begin(request)):
                self._engine_session.respond(request)
        except EngineError as error:
            self.emit(Done(request.response, DoneStatus.FAILED, reason=error.code.value))
            raise

    def _cancel(self, response: int, played_ms: int) -> None:
        if not 0 < response <= self._last_response:
            raise EngineError(ErrorCode.INVALID_RESPONSE, f"there was no response {response}")
        self.outbound.cancel(response)
        self._engine_session.cancel(response, played_ms)
        self._wake()


def _call_context(call: LoggedCall, scope: SpanScope) -> Context:
    context = Context()
    context.run(current_call.set, call)
    context.run(current_scope.set, scope)
    return context
