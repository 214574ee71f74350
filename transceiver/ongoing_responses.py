"""The responses that are not done: at most one joins the conversation, others are beside it."""

from collections.abc import Iterator
from dataclasses import dataclass

from antiphon_proto import trunk as engine
from antiphon_proto.realtime import RealtimeError
from transceiver.response_stream import ResponseStream

MAX_OUT_OF_BAND = 8
"""In progress at once."""


@dataclass(frozen=True, slots=True)
class Ongoing:
    """A response that is not done."""

    stream: ResponseStream
    request: engine.Respond


class OngoingResponses:
    """By their numbers."""

    def __init__(self) -> None:
        self.active: ResponseStream | None = None
        """The one that joins the conversation."""
        self.generated: engine.Done | None = None
        """How the engine finished the active one, which is not done before it is heard."""
        self._by_number: dict[int, Ongoing] = {}

    def __len__(self) -> int:
        return len(self._by_number)

    def __contains__(self, stream: ResponseStream) -> bool:
        return stream.number in self._by_number

    def __iter__(self) -> Iterator[Ongoing]:
        """As they are now, the oldest first."""
        return iter(list(self._by_number.values()))

    def check_room(self, *, out_of_band: bool) -> None:
        """Raises RealtimeError where one more cannot be begun."""
        if out_of_band and len(self) - bool(self.active) >= MAX_OUT_OF_BAND:
            raise RealtimeError(
                "too_many_responses",
                f"At most {MAX_OUT_OF_BAND} responses outside of the conversation may be "
                "in progress.",
            )
        if not out_of_band and self.active:
            raise RealtimeError(
                "conversation_already_has_active_response",
                f"Conversation already has an active response in progress: {self.active.id}. "
                "Wait until the response is finished before creating a new one.",
            )

    def begin(self, stream: ResponseStream, request: engine.Respond) -> None:
        self._by_number[stream.number] = Ongoing(stream, request)
        if not request.out_of_band:
            self.active = stream

    def generating(self, number: int) -> ResponseStream | None:
        """The response of this number, if it goes on and the engine has not finished it."""
        ongoing = self._by_number.get(number)
        if ongoing is None or (ongoing.stream is self.active and self.generated):
            return None
        return ongoing.stream

    def named(self, response_id: str | None) -> ResponseStream | None:
        """The one with this id; without an id, the active one."""
        if response_id is None:
            return self.active
        streams = (ongoing.stream for ongoing in self)
        return next((stream for stream in streams if stream.id == response_id), None)

    def end(self, stream: ResponseStream) -> None:
        del self._by_number[stream.number]
        if stream is self.active:
            self.active = self.generated = None
