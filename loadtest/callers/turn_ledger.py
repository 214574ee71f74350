"""Where a turn's time went, by the server's own account of it.

`response.metadata` of `response.done` has it: docs/api.md, "antiphon_latency_ms". Servers that
give none of it are noted nothing for.
"""

import contextlib
import math
from collections.abc import Mapping

from loadtest.measures.measures import Measures
from loadtest.measures.names import Latency

_PARTS = {
    "antiphon_latency_endpointing_ms": Latency.TURN_ENDPOINTING,
    "antiphon_latency_asr_ms": Latency.TURN_ASR,
    "antiphon_latency_brain_ms": Latency.TURN_BRAIN,
    "antiphon_latency_tts_ms": Latency.TURN_TTS,
    "antiphon_latency_pacing_ms": Latency.TURN_PACING,
}


def note_ledger(metadata: Mapping[str, str] | None, measures: Measures) -> None:
    """Note the parts that there are; what is no number counts as not there."""
    for name, latency in _PARTS.items():
        text = (metadata or {}).get(name, "")
        with contextlib.suppress(ValueError):
            if math.isfinite(milliseconds := float(text)):
                measures.note(latency, milliseconds / 1000)
