"""Responses whose playing is not over, where the server owns the playout clock."""

from transceiver.response_stream import ResponseStream

MAX_UNPLAYED = 16
"""Of older ones the end of playing is not told."""


class Unplayed:
    """queued ──started──► playing ──stopped──► gone; `cut` makes all of them go."""

    def __init__(self) -> None:
        self._streams: dict[int, ResponseStream] = {}
        self._playing: ResponseStream | None = None

    def __contains__(self, stream: ResponseStream) -> bool:
        return stream.number in self._streams

    def __bool__(self) -> bool:
        return bool(self._streams)

    @property
    def playing(self) -> ResponseStream | None:
        return self._playing

    def streams(self) -> list[ResponseStream]:
        """In the order in which they play."""
        return list(self._streams.values())

    def add(self, stream: ResponseStream) -> None:
        """Audio of `stream` was queued, for the first time or again."""
        self._streams[stream.number] = stream
        if len(self._streams) > MAX_UNPLAYED:
            del self._streams[next(iter(self._streams))]

    def started(self, number: int) -> ResponseStream | None:
        """The response that plays from here on; None when it is not known."""
        stream = self._streams.get(number)
        self._playing = stream or self._playing
        return stream

    def stopped(self, number: int) -> ResponseStream | None:
        """The response that was played to its end; None when it is not known."""
        stream = self._streams.pop(number, None)
        if stream is self._playing:
            self._playing = None
        return stream

    def cut(self) -> None:
        self._streams.clear()
        self._playing = None
