"""`python -m bench.transceiver.noting_inference`: the inference tier with an echo that takes notes.

It is `python -m inference --engine echo` but for what `FrameNotes` notes, in the file that
`NOTES_VARIABLE` names.
"""

import os
import sys
import time
from collections.abc import Sequence

import uvloop

from antiphon_proto.trunk import Item, Ready, SessionConfig
from bench.transceiver.frame_notes import NOTES_VARIABLE, FrameNotes
from chassis.settings import load
from inference.config import InferenceConfig
from inference.engine import Emit
from inference.engines.cascade.counters import CascadeCounters
from inference.engines.echo import SAMPLE_RATE, EchoEngine, EchoSession
from inference.server import serve


class NotingEcho(EchoEngine):
    """Echoes, and notes when each frame came."""

    def open(
        self, config: SessionConfig, history: Sequence[Item], emit: Emit, session_key: str = ""
    ) -> EchoSession:
        emit(Ready(self.name, SAMPLE_RATE, SAMPLE_RATE, full_duplex=True))
        return _NotingSession(
            config, emit, FrameNotes(config.instructions, os.environ[NOTES_VARIABLE])
        )


class _NotingSession(EchoSession):
    def __init__(self, config: SessionConfig, emit: Emit, notes: FrameNotes) -> None:
        super().__init__(config, emit)
        self._notes = notes

    def push_audio(self, position: int, pcm: bytes) -> None:
        self._notes.add(position / SAMPLE_RATE, time.monotonic())
        super().push_audio(position, pcm)

    def close(self, reason: str) -> None:
        self._notes.write()
        super().close(reason)


def main() -> int:
    config = load(InferenceConfig, sys.argv[1:], os.environ, prog="python -m inference")
    uvloop.run(serve(config, [NotingEcho()], CascadeCounters()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
