"""What the server says on the data channel."""

import time
from collections.abc import Callable

from antiphon_proto.realtime.response_events import (
    ResponseDone,
    ResponseOutputAudioTranscriptDone,
)
from antiphon_proto.realtime.server_events import Error
from loadtest.callers.heard_events import SESSION_CREATED, ServerEventError, parse_heard
from loadtest.callers.talk import Conversation
from loadtest.callers.turn_judge import TurnJudge
from loadtest.callers.turn_ledger import note_ledger
from loadtest.measures.measures import Measures
from loadtest.measures.names import Count

_SILENT = ("output_audio_buffer.stopped", "output_audio_buffer.cleared")


class CallEvents:
    """Of one call; `created` is called once its session is."""

    def __init__(
        self,
        conversation: Conversation,
        judge: TurnJudge,
        measures: Measures,
        created: Callable[[], None],
    ) -> None:
        self._conversation = conversation
        self._judge = judge
        self._measures = measures
        self._created = created

    def received(self, text: str) -> None:
        """One event; what is none counts as an error."""
        self._measures.count(Count.EVENTS_RECEIVED)
        try:
            heard = parse_heard(text)
        except ServerEventError:
            self._measures.count(Count.ERRORS_RECEIVED)
            return
        now = time.monotonic()
        match heard.event:
            case Error():
                self._measures.count(Count.ERRORS_RECEIVED)
            case ResponseDone(response=response):
                note_ledger(response.metadata, self._measures)
            case ResponseOutputAudioTranscriptDone() as said:
                self._judge.transcribed(said.response_id, said.transcript, now)
        if heard.type == SESSION_CREATED:
            self._created()
        elif heard.type in _SILENT:
            self._conversation.answer_over(now)
