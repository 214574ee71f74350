"""How a response ended, in the API's terms."""

from dataclasses import dataclass

from antiphon_proto.realtime.items import ItemStatus
from antiphon_proto.realtime.response import (
    CachedTokensDetails,
    InputTokenDetails,
    OutputTokenDetails,
    ResponseStatus,
    ResponseUsage,
    StatusDetails,
    StatusError,
    StatusReason,
)
from antiphon_proto.trunk import Done, DoneStatus, Usage
from transceiver.ledger import TurnAccount


@dataclass(frozen=True, slots=True)
class Outcome:
    """What `response.done` says of a response's end."""

    status: ResponseStatus
    details: StatusDetails | None = None
    usage: ResponseUsage | None = None

    @property
    def item_status(self) -> ItemStatus:
        """The status of the message that was being generated."""
        return "completed" if self.status == "completed" else "incomplete"


def cancelled(reason: StatusReason, usage: ResponseUsage | None = None) -> Outcome:
    return Outcome("cancelled", StatusDetails(type="cancelled", reason=reason), usage)


def failed(code: str, message: str, usage: ResponseUsage | None = None) -> Outcome:
    error = StatusError(type="server_error", code=code, message=message)
    return Outcome("failed", StatusDetails(type="failed", error=error), usage)


def outcome_of(done: Done) -> Outcome:
    """What the engine said. Where it stopped by itself, it had heard the user speak."""
    usage = response_usage(done.usage)
    match done.status:
        case DoneStatus.COMPLETED:
            return Outcome("completed", None, usage)
        case DoneStatus.CANCELLED:
            return cancelled("turn_detected", usage)
        case DoneStatus.INCOMPLETE:
            filtered = done.reason == "content_filter"
            reason: StatusReason = "content_filter" if filtered else "max_output_tokens"
            return Outcome("incomplete", StatusDetails(type="incomplete", reason=reason), usage)
        case DoneStatus.FAILED:
            message = "The engine could not finish the response."
            return failed(done.reason or "engine_failed", message, usage)


def response_usage(usage: Usage) -> ResponseUsage:
    """An engine's count of tokens in the API's shape."""
    input_tokens = usage.input_text_tokens + usage.input_audio_tokens
    output_tokens = usage.output_text_tokens + usage.output_audio_tokens
    return ResponseUsage(
        total_tokens=input_tokens + output_tokens,
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        input_token_details=InputTokenDetails(
            text_tokens=usage.input_text_tokens,
            audio_tokens=usage.input_audio_tokens,
            cached_tokens=usage.cached_tokens,
            # A prompt is read as text; only a model that hears has more cached than that.
            cached_tokens_details=CachedTokensDetails(
                text_tokens=min(usage.cached_tokens, usage.input_text_tokens),
                audio_tokens=max(0, usage.cached_tokens - usage.input_text_tokens),
            ),
        ),
        output_token_details=OutputTokenDetails(
            text_tokens=usage.output_text_tokens, audio_tokens=usage.output_audio_tokens
        ),
    )


def latency_metadata(account: TurnAccount | None) -> dict[str, str]:
    """The account as an extension of a response's metadata, which takes strings only."""
    if account is None:
        return {}
    parts = {f"antiphon_latency_{part}_ms": str(ms) for part, ms in account.parts_ms().items()}
    return {"antiphon_latency_ms": str(account.total_ms), **parts}
