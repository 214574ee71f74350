"""The audio of a call, both ways, and its reports: RTP and RTCP in the clear."""

from loadtest.callers.answer_check import FLOOR_DB
from loadtest.callers.rtcp_reports import Reports
from loadtest.callers.silence_watch import SilenceWatch
from loadtest.callers.talk import Conversation
from loadtest.callers.turn_judge import TurnJudge
from loadtest.callers.webrtc.heard_audio import HeardAudio
from loadtest.callers.webrtc.voice import Voice
from loadtest.measures.measures import Measures
from loadtest.measures.names import Count, Latency

REPORT_SECONDS = 5


class Media:
    """What is said by the conversation's rules, what is heard, and what comes of the turns."""

    def __init__(
        self,
        conversation: Conversation,
        judge: TurnJudge,
        voice: Voice,
        heard: HeardAudio,
        reports: Reports,
        silence: SilenceWatch,
        measures: Measures,
        *,
        loudness: tuple[tuple[float, ...], ...] | None,
    ) -> None:
        """`loudness` is that of each frame of each utterance, where answers are compared."""
        self.heard = heard
        self.silent = False
        """Once it is closed: whether nothing was heard where something was due."""
        self._conversation = conversation
        self._judge = judge
        self._voice = voice
        self._reports = reports
        self._silence = silence
        self._measures = measures
        self._loudness = loudness
        self._seconds = 0
        self._frames_noted = 0

    def packet(self, now: float) -> bytes:
        """What is sent in the 20 ms from now on."""
        spoken = self._conversation.frame(now)
        if spoken is not None:
            self._silence.spoke(now)
        if self._loudness is not None:
            said = self._loudness[spoken.utterance][spoken.frame] if spoken else FLOOR_DB
            self._judge.said(now, said)
        return self._voice.packet(spoken)

    def report(self, compound: bytes, arrived_at: float) -> None:
        """RTCP came. Raises ValueError."""
        self._measures.note_many(Latency.ROUND_TRIP, self._reports.receive(compound, arrived_at))

    def due_report(self, now: float) -> bytes | None:
        """Ask each second; RTCP to send, now and then."""
        self._seconds += 1
        if self._seconds % REPORT_SECONDS:
            return None
        if self.heard.ssrc is not None:
            self._reports.heard(self.heard.ssrc, self.heard.sequence)
        voice = self._voice
        return self._reports.report(
            now, timestamp=voice.timestamp, packets=voice.frames, octets=voice.octets
        )

    def settle(self) -> None:
        """Note what came since the last time; about once each second."""
        self._measures.count(Count.FRAMES_SENT, self._voice.frames - self._frames_noted)
        self._frames_noted = self._voice.frames
        self.heard.settle()
        for turn in self._conversation.take_turns():
            self._silence.turn(turn)
            self._judge.judge(turn)

    def close(self, now: float) -> None:
        """Hang up."""
        self._conversation.close(now)
        self.settle()
        self.heard.close(now)
        self.silent = self._silence.silent(now)
