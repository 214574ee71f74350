"""Transcripts of the user's turns on their way to the client.

An engine reports a hypothesis again and again until it is final, at times before
the turn is committed; the API wants pieces that only ever add, of items that exist.
A session that only transcribes is told while the user speaks, of the item to come: the
words in which two hypotheses in a row agree, which later ones seldom take back.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from antiphon_proto.realtime.server_events import (
    InputAudioTranscriptionCompleted,
    InputAudioTranscriptionDelta,
    InputAudioTranscriptionFailed,
    ServerEvent,
    TranscriptionError,
    TranscriptionUsage,
)
from antiphon_proto.trunk import InputTranscript
from transceiver.input_buffer import CommittedAudio

MAX_AWAITED = 32
"""Items whose transcript is outstanding; the oldest ones are given up beyond it."""

MAX_TRANSCRIPT = 32 * 1024
"""Characters; a transcript is cut there."""

CONTENT_INDEX = 0
"""Where in its item a turn's audio stands."""


@dataclass(slots=True)
class _Awaited:
    seconds: float
    sent: str = ""


class InputTranscripts:
    """`keep(item_id, text)` takes every final transcript for the record."""

    def __init__(self, keep: Callable[[str, str], None]) -> None:
        self._keep = keep
        self._awaited: OrderedDict[str, _Awaited] = OrderedDict()
        self._early: InputTranscript | None = None
        self._live = _Awaited(0.0)
        """Of the turn that is not committed yet."""

    def committed(self, audio: CommittedAudio) -> list[ServerEvent]:
        """A turn became an item; what is known of its transcript can be told."""
        self._awaited[audio.item_id] = _Awaited(audio.seconds, self._live.sent)
        self._live = _Awaited(0.0)
        if len(self._awaited) > MAX_AWAITED:
            self._awaited.popitem(last=False)
        early, self._early = self._early, None
        return self._tell(audio.item_id, early) if early else []

    def reported(
        self, transcript: InputTranscript, upcoming: str | None = None
    ) -> list[ServerEvent]:
        """The engine recognised more; nothing is told of items that are not awaited.

        `upcoming`: the id of the item that the turn will be, to be told of it already.
        """
        if not transcript.item_id:
            before, self._early = self._early, transcript
            if upcoming is None or before is None:
                return []
            return self._delta(upcoming, self._live, _agreed(before.text, transcript.text))
        return self._tell(transcript.item_id, transcript)

    def forget_early(self) -> None:
        """What was heard since the last commit was cleared."""
        self._early = None
        self._live = _Awaited(0.0)

    def _tell(self, item_id: str, transcript: InputTranscript) -> list[ServerEvent]:
        awaited = self._awaited.get(item_id)
        if awaited is None:
            return []
        if transcript.error:
            del self._awaited[item_id]
            return [_failed(item_id, transcript.error)]
        text = transcript.text[:MAX_TRANSCRIPT]
        events = self._delta(item_id, awaited, text)
        if transcript.final:
            del self._awaited[item_id]
            self._keep(item_id, text)
            events.append(_completed(item_id, text, awaited.seconds))
        return events

    def _delta(self, item_id: str, awaited: _Awaited, text: str) -> list[ServerEvent]:
        """What `text` adds to what was sent; nothing where it takes something back."""
        added = text.removeprefix(awaited.sent)
        if not added or not text.startswith(awaited.sent):
            return []
        awaited.sent = text
        return [
            InputAudioTranscriptionDelta(item_id=item_id, content_index=CONTENT_INDEX, delta=added)
        ]


def _agreed(before: str, now: str) -> str:
    """The words with which both begin."""
    words = now.split(" ")
    same = 0
    for ours, theirs in zip(words, before.split(" "), strict=False):
        if ours != theirs:
            break
        same += 1
    return " ".join(words[:same])[:MAX_TRANSCRIPT]


def _completed(item_id: str, text: str, seconds: float) -> ServerEvent:
    return InputAudioTranscriptionCompleted(
        item_id=item_id,
        content_index=CONTENT_INDEX,
        transcript=text,
        usage=TranscriptionUsage(seconds=round(seconds, 3)),
    )


def _failed(item_id: str, code: str) -> ServerEvent:
    return InputAudioTranscriptionFailed(
        item_id=item_id,
        content_index=CONTENT_INDEX,
        error=TranscriptionError(
            type="transcription_error", code=code, message="The speech could not be transcribed."
        ),
    )
