"""Why a session, or one of its commands, failed: stable names on the trunk and in metrics."""

from enum import StrEnum


class ErrorCode(StrEnum):
    AT_CAPACITY = "at_capacity"
    """The replica holds as many sessions as it may."""
    DRAINING = "draining"
    """The replica is about to stop and opens no sessions."""
    SESSION_NOT_OPEN = "session_not_open"
    SESSION_ALREADY_OPEN = "session_already_open"
    MALFORMED_AUDIO = "malformed_audio"
    """The audio block's lengths contradict each other; its audio was dropped."""
    UNKNOWN_COMMAND = "unknown_command"
    INVALID_RESPONSE = "invalid_response"
    """A response's number is 0, was used before, or was never given."""
    RESPONSE_ACTIVE = "response_active"
    """The engine answers the conversation once at a time, and so many times beside it."""
    UNSUPPORTED_RESPONSE = "unsupported_response"
    """The engine answers the conversation that it hears, and nothing else."""
    UNKNOWN_CALL = "unknown_call"
    """A function's output names a call that is not in the conversation; it is left out."""
    SLOW_CONSUMER = "slow_consumer"
    """The transceiver let more output pile up than the session may hold."""
    ENGINE_FAILED = "engine_failed"
    RECOGNITION_FAILED = "recognition_failed"
    SYNTHESIS_FAILED = "synthesis_failed"
    BRAIN_FAILED = "brain_failed"
    BRAIN_TIMEOUT = "brain_timeout"
    CONTEXT_TOO_LONG = "context_length_exceeded"
    """The model does not take so long a conversation, and the session forbids to shorten it."""


class EngineError(Exception):
    """A session cannot do what it was asked; the session itself goes on."""

    def __init__(self, code: ErrorCode, message: str) -> None:
        super().__init__(message)
        self.code = code
