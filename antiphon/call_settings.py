"""Settings of `antiphon call`."""

from dataclasses import dataclass, field
from pathlib import Path

from antiphon.up_settings import filled, http_url
from chassis.settings import setting


def seconds(text: str) -> float:
    """A duration. Raises ValueError unless it is above zero."""
    duration = float(text)
    if not 0 < duration < float("inf"):
        raise ValueError(f"expected a number of seconds above 0, not {text!r}")
    return duration


@dataclass(frozen=True, slots=True, kw_only=True)
class CallSettings:
    """Places a call over WebRTC, says what a WAV file holds, and records the answer."""

    wav: Path = setting(parse=Path, help="what to say: a WAV file, or any that FFmpeg reads")
    out: Path | None = setting(
        None, parse=Path, help="WAV file for what was heard, from the start of --wav on"
    )
    url: str = setting(
        "http://127.0.0.1:8080", parse=http_url, help="where the Realtime API is served"
    )
    api_key: str = field(
        repr=False,
        metadata={"parse": filled, "help": "API key or client secret; better as the variable"},
    )
    model: str | None = setting(
        None, parse=filled, help="model to talk to; echo gives back what it hears"
    )
    seconds: float | None = setting(
        None, parse=seconds, help="longest duration of the call; else --wav's and 30 s"
    )
