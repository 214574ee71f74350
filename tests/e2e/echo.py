"""Whether a call still carries sound both ways."""

import asyncio

from antiphon.echo_call import tone_burst
from antiphon.realtime_call import RealtimeCall


async def hears_an_echo(call: RealtimeCall, patience_s: float) -> bool:
    """Whether one of the sounds said from now on comes back."""
    loop = asyncio.get_running_loop()
    began_at = loop.time()
    while loop.time() - began_at < patience_s:
        call.check()
        await call.microphone.say(tone_burst(0.2)).finished.wait()
        await asyncio.sleep(0.3)
        if call.heard.first_audible_after(began_at + 0.1) is not None:
            return True
    return False
