"""The smoke test of any installation: a sound goes out and comes back."""

import asyncio

import numpy as np

from antiphon.realtime_call import CallError, RealtimeCall
from antiphon.wav import RATE, Samples

PATIENCE_S = 10.0
_BURST_S = 0.2
_POLL_S = 0.05


def tone_burst(seconds: float, hertz: float = 440.0) -> Samples:
    """A sine at a quarter of full scale."""
    phase = 2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE
    return np.asarray(8192 * np.sin(phase)).astype(np.int16)


async def echo_delay_ms(url: str, api_key: str) -> float:
    """Call the echo engine; returns the time from a sound to its echo. Raises CallError."""
    loop = asyncio.get_running_loop()
    async with RealtimeCall() as call:
        await call.place(url, api_key, {"type": "realtime", "model": "echo"})
        utterance = call.microphone.say(tone_burst(_BURST_S))
        deadline = loop.time() + PATIENCE_S
        while loop.time() < deadline:
            call.check()
            heard_at = call.heard.first_audible_after(utterance.started_at or loop.time())
            if heard_at is not None and utterance.started_at is not None:
                return (heard_at - utterance.started_at) * 1000
            await asyncio.sleep(_POLL_S)
    raise CallError(f"the call was connected, but no echo came back within {PATIENCE_S:g} s")
