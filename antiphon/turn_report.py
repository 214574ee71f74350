"""What was said in a call and how long it took, from the server's events."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

PARTS = ("uplink_wait", "endpointing", "asr", "brain", "tts", "trunk", "pacing", "transport")
"""The parts of a turn's latency, in the order in which they happen."""

TOTAL_KEY = "antiphon_latency_ms"


@dataclass(slots=True)
class Turn:
    """One response of the agent."""

    response_id: str
    created_at: float
    """When `response.created` arrived, on the clock of whoever feeds events."""
    transcript: str = ""
    status: str = "in_progress"
    account: dict[str, float] = field(default_factory=dict)
    """The server's latency account in milliseconds: `total` and its parts."""
    generated: bool = False
    speaks: bool = False
    """Whether it was generated with audio."""
    started: bool = False
    playing: bool = False
    reported: bool = False

    @property
    def over(self) -> bool:
        """Generated, and heard to its end or cut. Generation may end before playout starts."""
        to_be_heard = self.speaks and not self.started and self.status == "completed"
        return self.generated and not self.playing and not to_be_heard


class TurnReport:
    """Feed every event in order; lines to print come back.

    `voice_to_voice_ms` is the listener's own measurement: given a turn, the time
    from the caller's last voiced sample to the agent's first audible one, or None.
    """

    def __init__(self, voice_to_voice_ms: Callable[[Turn], float | None]) -> None:
        self.turns: list[Turn] = []
        self.errors: list[str] = []
        self._voice_to_voice_ms = voice_to_voice_ms
        self._by_id: dict[str, Turn] = {}
        self._unanswered = 0

    @property
    def awaits_agent(self) -> bool:
        """Whether a turn of the caller waits for its answer, or an answer for its end."""
        return self._unanswered > 0 or any(not turn.over for turn in self.turns)

    def event(self, event: Mapping[str, Any], at: float) -> list[str]:
        """Take the event that arrived at `at`. Returns finished lines."""
        match event["type"]:
            case "input_audio_buffer.speech_stopped":
                self._unanswered += 1
            case "conversation.item.input_audio_transcription.completed":
                return [f"caller: {event['transcript'].strip()}"]
            case "response.created":
                self._created(event["response"]["id"], at)
            case "response.output_audio_transcript.done":
                self._turn(event, at).transcript = event["transcript"].strip()
                return [f"agent: {event['transcript'].strip()}"]
            case "response.done":
                return self._done(event["response"], at)
            case "output_audio_buffer.started":
                turn = self._turn(event, at)
                turn.started = turn.playing = True
            case "output_audio_buffer.stopped" | "output_audio_buffer.cleared":
                turn = self._turn(event, at)
                turn.playing = False
                return self._latency(turn)
            case "error":
                self.errors.append(event["error"]["message"])
                return [f"error: {event['error']['message']}"]
        return []

    def rest(self) -> list[str]:
        """The lines of turns that had not come to their end."""
        return [line for turn in self.turns for line in self._latency(turn, complete=False)]

    def _created(self, response_id: str, at: float) -> Turn:
        turn = Turn(response_id, at)
        self.turns.append(turn)
        self._by_id[response_id] = turn
        self._unanswered = 0
        return turn

    def _turn(self, event: Mapping[str, Any], at: float) -> Turn:
        response_id = event["response_id"]
        return self._by_id.get(response_id) or self._created(response_id, at)

    def _done(self, response: Mapping[str, Any], at: float) -> list[str]:
        turn = self._turn({"response_id": response["id"]}, at)
        turn.generated = True
        turn.speaks = any(
            content["type"] == "output_audio"
            for item in response.get("output", [])
            for content in item.get("content", [])
        )
        turn.status = response["status"]
        turn.account = latency_account(response.get("metadata") or {})
        return self._latency(turn)

    def _latency(self, turn: Turn, *, complete: bool = True) -> list[str]:
        if turn.reported or (complete and not turn.over):
            return []
        turn.reported = True
        measured = self._voice_to_voice_ms(turn)
        heard = "nothing heard" if measured is None else f"voice to voice {measured:.0f} ms"
        cut = ", cut short" if turn.status == "cancelled" else ""
        return [f"turn: {heard}{cut}{_account_text(turn.account)}"]


def latency_account(metadata: Mapping[str, str]) -> dict[str, float]:
    """The account in a response's metadata, in milliseconds; empty if there is none."""
    if TOTAL_KEY not in metadata:
        return {}
    parts = {
        part: float(metadata[f"antiphon_latency_{part}_ms"])
        for part in PARTS
        if f"antiphon_latency_{part}_ms" in metadata
    }
    return {"total": float(metadata[TOTAL_KEY]), **parts}


def _account_text(account: Mapping[str, float]) -> str:
    if not account:
        return ""
    parts = [
        f"{name.replace('_', ' ')} {ms:.0f}" for name, ms in account.items() if name != "total"
    ]
    return f"; the server's account {account['total']:.0f} ms: {', '.join(parts)}"
