"""What was generated of responses and is not played yet, and what was heard of it.

Where the server owns the playout clock:

    queued ──first frame sent──► playing ──drained──► stopped
       │                            ├────► held ──released──► playing
       └───────────cut──────────────┴────► cleared, truncated to what was heard
"""

from collections.abc import Callable

from antiphon_proto.realtime import server_events as api
from transceiver.conversation_outputs import (
    CutPlayout,
    FinishPlayout,
    HoldPlayout,
    PlayAudio,
    ResumePlayout,
)
from transceiver.outbox import Outbox
from transceiver.response_stream import CONTENT_INDEX, ResponseStream
from transceiver.unplayed import Unplayed

AGAIN_MS = 200
"""What is played again after a hold where no word is known: about a syllable."""


class ResponsePlayout:
    """Follows the playout of one call. Where the client plays, there is nothing to follow."""

    def __init__(self, outbox: Outbox, *, plays: bool, heard_ms: Callable[[int], int]) -> None:
        """`plays`: the server owns the playout clock, which `heard_ms` asks."""
        self.plays = plays
        self.held = False
        self._outbox = outbox
        self._heard_ms = heard_ms
        self._unplayed = Unplayed()
        self._reserved: set[int] = set()

    def __contains__(self, stream: ResponseStream) -> bool:
        return stream in self._unplayed

    def __bool__(self) -> bool:
        """Whether anything waits or plays."""
        return bool(self._unplayed)

    @property
    def streams(self) -> list[ResponseStream]:
        """In the order in which they play."""
        return self._unplayed.streams()

    def waits(self, stream: ResponseStream) -> bool:
        """Whether its audio is queued, and none of it was sent."""
        return stream in self._unplayed and stream is not self._unplayed.playing

    def reserve(self, stream: ResponseStream) -> None:
        """What comes of other responses plays behind it, even if its own audio comes later."""
        if self.plays and not stream.text_only:
            self._reserved.add(stream.number)
            self._outbox.add(PlayAudio(stream.number, b""))

    def play(self, stream: ResponseStream, pcm: bytes) -> None:
        self._unplayed.add(stream)
        self._outbox.add(PlayAudio(stream.number, pcm))

    def finish(self, stream: ResponseStream) -> None:
        """No more audio of it will come."""
        if stream in self._unplayed or stream.number in self._reserved:
            self._reserved.discard(stream.number)
            self._outbox.add(FinishPlayout(stream.number))

    def started(self, number: int) -> ResponseStream | None:
        """The first frame of a response was sent."""
        stream = self._unplayed.started(number)
        if stream is not None:
            self._outbox.send(api.OutputAudioBufferStarted(response_id=stream.id))
        return stream

    def stopped(self, number: int) -> None:
        """All of a response was played."""
        if stream := self._unplayed.stopped(number):
            self._outbox.send(api.OutputAudioBufferStopped(response_id=stream.id))

    def cut(self) -> None:
        """Drop all that is queued; a hold is over, too."""
        if self.held or self._unplayed or self._reserved:
            self._outbox.add(CutPlayout())
        self.held = False
        self._reserved.clear()
        if playing := self._unplayed.playing:
            self._outbox.send(api.OutputAudioBufferCleared(response_id=playing.id))
        self._unplayed.cut()

    def hold(self) -> None:
        if not self.held:
            self.held = True
            self._outbox.add(HoldPlayout())

    def release(self) -> None:
        """What is held, if anything is, goes on with the word that was broken off."""
        if self.held:
            self.held = False
            playing = self._unplayed.playing
            self._outbox.add(ResumePlayout(self._broken_ms(playing) if playing else 0))

    def heard_of(self, stream: ResponseStream) -> int:
        """Milliseconds; a client that plays itself tells by truncating."""
        return self._heard_ms(stream.number) if self.plays else int(stream.audio_ms)

    def truncate(self, stream: ResponseStream, heard_ms: int) -> None:
        """Only so much of it counts as said, where that is known here."""
        if self.plays and stream.truncate(heard_ms):
            self._outbox.send(
                api.ConversationItemTruncated(
                    item_id=stream.item_id, content_index=CONTENT_INDEX, audio_end_ms=heard_ms
                )
            )

    def _broken_ms(self, stream: ResponseStream) -> int:
        """How much of a word was heard that was not heard to its end."""
        heard_ms = self._heard_ms(stream.number)
        times = stream.word_times
        if not times:
            return AGAIN_MS
        return heard_ms - times.before(heard_ms).audio_end_ms
