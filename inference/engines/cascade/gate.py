"""Where an answer that nobody has asked for yet waits.

    brain ─► text, calls, effects ─┐
    voice ─► audio, ends of words ─┴─► gate ─► (released) ─► the response

Closed, a gate keeps what is put into it, in order. Opened, it gives that and passes on
what follows. Discarded, it forgets both.
"""

from collections.abc import Callable

from antiphon_proto.audio_block import BYTES_PER_SAMPLE
from antiphon_proto.trunk import FunctionCall, WordEnd
from inference.engines.cascade.brain.brain import Effect, FunctionCallDelta, TokensUsed
from inference.engines.cascade.speech_synthesis import SAMPLE_RATE

Output = str | FunctionCallDelta | FunctionCall | Effect | TokensUsed | bytes | tuple[WordEnd, ...]
"""Text, arguments of a call, a call, an effect, the cost, 16 bit samples, and where words lie in
the samples so far."""

Take = Callable[[Output], None]

MAX_HELD_CHARACTERS = 2000
MAX_HELD_AUDIO_S = 2.0
"""Enough to speak on while more is made."""


class Gate:
    """Closed, until `release` or `discard`."""

    def __init__(self) -> None:
        self._held: list[Output] = []
        self._take: Take | None = None
        self._discarded = False
        self._written: dict[str, int] = {}
        """Characters of calls that are not whole, by their ids."""
        self.characters = 0
        """Of text and calls that came here, whether they were released or not."""
        self.audio_s = 0.0

    @property
    def full(self) -> bool:
        """Whether nothing more should be made before the release."""
        return self._take is None and (
            self.characters >= MAX_HELD_CHARACTERS or self.audio_s >= MAX_HELD_AUDIO_S
        )

    def put(self, output: Output) -> None:
        if self._discarded:
            return
        self._count(output)
        if self._take is None:
            self._held.append(output)
        else:
            self._take(output)

    def release(self, take: Take) -> None:
        """Give `take` what was kept, and then what comes."""
        self._take = take
        held, self._held = self._held, []
        for output in held:
            if not self._discarded:
                take(output)

    def discard(self) -> None:
        self._discarded = True
        self._held.clear()

    def _count(self, output: Output) -> None:
        match output:
            case str():
                self.characters += len(output)
            case FunctionCallDelta(call_id, _, arguments_json):
                self._written[call_id] = self._written.get(call_id, 0) + len(arguments_json)
                self.characters += len(arguments_json)
            case FunctionCall(call_id, name, arguments_json):
                written = self._written.pop(call_id, 0)
                self.characters += len(name) + len(arguments_json) - written
            case bytes():
                self.audio_s += len(output) / (BYTES_PER_SAMPLE * SAMPLE_RATE)
