"""How long nobody has spoken behind an answer, where the agent is to speak again then.

    waiting ──answer made──► armed ──played──► counting ──idle_timeout_ms──► passed ─► waiting
                               ▲──── somebody speaks ──────┘

https://platform.openai.com/docs/api-reference/realtime-server-events/input_audio_buffer/timeout_triggered
"""

from antiphon_proto.realtime.session import ServerVad, TurnDetection


class IdleTimeout:
    """Times are seconds of one clock."""

    def __init__(self, *, client_plays: bool) -> None:
        """`client_plays`: what is sent is taken to be played from then on, as fast as it is
        spoken. Otherwise the agent is busy until it was heard."""
        self._client_plays = client_plays
        self._plays_until = 0.0
        self._armed = False
        self._since: float | None = None
        self._since_ms = 0

    def audio(self, seconds: float, now: float) -> None:
        """So much of an answer goes to the client."""
        if self._client_plays:
            self._plays_until = max(self._plays_until, now) + seconds

    def answered(self) -> None:
        """The engine finished an answer."""
        self._armed = True
        self._since = None

    def passed(
        self,
        now: float,
        detection: TurnDetection | None,
        *,
        agent_busy: bool,
        user_speaks: bool,
        heard_ms: int,
    ) -> int | None:
        """Where the silence began, in milliseconds of the input, when it has become too long.

        `heard_ms`: how much input there was. Call it often: the silence begins with a call.
        """
        if user_speaks:
            self._plays_until = now
        if agent_busy or user_speaks or now < self._plays_until or not self._armed:
            self._since = None
            return None
        if self._since is None:
            self._since, self._since_ms = now, heard_ms
        timeout_ms = _timeout_ms(detection)
        if timeout_ms is None or (now - self._since) * 1000 < timeout_ms:
            return None
        self._armed = False
        return self._since_ms


def _timeout_ms(detection: TurnDetection | None) -> int | None:
    """None where the agent is not to speak by itself."""
    if not isinstance(detection, ServerVad):
        return None
    # A session with neither never answers by itself, whatever else it says.
    unasked = detection.create_response or detection.interrupt_response
    return detection.idle_timeout_ms if unasked else None
