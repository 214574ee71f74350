"""How much memory of the server one more call takes."""

import asyncio

from bench.transceiver.contender import Contender
from bench.transceiver.generator import Generator
from bench.transceiver.load_client import Habits

SPEAK_SECONDS = 3.0


async def memory_per_call(contender: Contender, habits: Habits, calls: int) -> float:
    """Bytes of resident memory for each of so many calls that speak, beyond a first one."""
    first, others = (Generator(contender.service, habits) for _ in range(2))
    try:
        await _speak(first, 1)
        before = contender.resident_bytes()
        await _speak(others, calls)
        return (contender.resident_bytes() - before) / calls
    finally:
        await first.close()
        await others.close()


async def _speak(generator: Generator, calls: int) -> None:
    await generator.place(calls)
    generator.start()
    await asyncio.sleep(SPEAK_SECONDS)
