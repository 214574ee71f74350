"""What a caller waits for: `python -m bench.first_call` calls a deployment of its own.

All times are the caller's, by an aiortc client on the same machine, so that the
network adds nothing:

- voice_to_voice_ms: its last voiced sample to the first audible frame of the answer;
- account.PART_ms: the server's account of the same turns;
- barge_in_stop_ms: its first voiced sample over an answer to the answer's last audible frame;
- post_to_first_audio_ms: sending the offer to the first audible frame of an echo;
- echo_ms: a sound to its echo, on a call that is up.
"""

import argparse
import asyncio
import os
import platform
import tempfile
from pathlib import Path

from antiphon.call import session_config, voice_to_voice_ms
from antiphon.echo_call import echo_delay_ms, tone_burst
from antiphon.realtime_call import RealtimeCall
from antiphon.turn_report import PARTS, Turn, latency_account
from bench.figures import publish, spread
from tests.e2e.running_deployment import RunningDeployment, running_deployment
from tests.e2e.speech import Speaker

QUESTIONS = (
    "what is twelve plus thirty",
    "what time is it",
    "how do you spell hello",
    "what is nine times seven",
    "what day is it today",
    "repeat after me good morning",
)
LONG_ANSWER_TO = "what can you do"
PATIENCE_S = 20.0
QUIET_S = 0.3


async def measure(
    deployment: RunningDeployment, speaker: Speaker, turns: int
) -> dict[str, float | str]:
    voice_to_voice, accounts = await spoken_turns(deployment, speaker, turns)
    stops = [await barge_in_stop_ms(deployment, speaker) for _ in range(max(1, turns // 2))]
    starts = [await post_to_first_audio_ms(deployment) for _ in range(turns)]
    echoes = [await echo_delay_ms(deployment.url, deployment.api_key) for _ in range(turns)]
    figures: dict[str, float | str] = {
        "machine.cores": os.cpu_count() or 0,
        "machine.architecture": platform.machine(),
        "machine.python": platform.python_version(),
        "turns": len(voice_to_voice),
        "barge_ins": len(stops),
        "echo_calls": len(echoes),
    }
    figures |= spread("voice_to_voice_ms", voice_to_voice)
    for part in ("total", *PARTS):
        figures |= spread(
            f"account.{part}_ms", [account[part] for account in accounts if part in account]
        )
    figures |= spread("barge_in_stop_ms", stops)
    figures |= spread("post_to_first_audio_ms", starts)
    return figures | spread("echo_ms", echoes)


async def spoken_turns(
    deployment: RunningDeployment, speaker: Speaker, turns: int
) -> tuple[list[float], list[dict[str, float]]]:
    """Voice to voice and the server's account of each of a conversation's turns."""
    measured, accounts = [], []
    async with RealtimeCall() as call:
        await call.place(deployment.url, deployment.api_key, session_config(None))
        for turn in range(turns):
            since = len(call.events)
            call.microphone.say(speaker.say(QUESTIONS[turn % len(QUESTIONS)]))
            created = await call.event("response.created", since=since, timeout_s=PATIENCE_S)
            done = await call.event("response.done", since=since, timeout_s=PATIENCE_S)
            await call.event("output_audio_buffer.stopped", since=since, timeout_s=PATIENCE_S)
            response = done.event["response"]
            value = voice_to_voice_ms(call, Turn(response["id"], created.at))
            if value is not None:
                measured.append(value)
                accounts.append(latency_account(response.get("metadata") or {}))
            await asyncio.sleep(QUIET_S)
    return measured, accounts


async def barge_in_stop_ms(deployment: RunningDeployment, speaker: Speaker) -> float:
    async with RealtimeCall() as call:
        await call.place(deployment.url, deployment.api_key, session_config(None))
        call.microphone.say(speaker.say(LONG_ANSWER_TO))
        await call.event("output_audio_buffer.started", timeout_s=PATIENCE_S)
        await asyncio.sleep(1.0)
        barge_in = call.microphone.say(speaker.say(QUESTIONS[0]))
        cleared = await call.event("output_audio_buffer.cleared", timeout_s=PATIENCE_S)
        await asyncio.sleep(QUIET_S)
        began_at = barge_in.started_at or 0.0
        last_at = max(
            frame.arrived_at
            for frame in call.heard.frames
            if frame.audible and frame.arrived_at < cleared.at + QUIET_S
        )
        return (last_at - began_at) * 1000


async def post_to_first_audio_ms(deployment: RunningDeployment) -> float:
    async with RealtimeCall() as call:
        call.microphone.say(tone_burst(PATIENCE_S))
        await call.place(deployment.url, deployment.api_key, {"type": "realtime", "model": "echo"})
        async with asyncio.timeout(PATIENCE_S):
            while (heard_at := call.heard.first_audible_after(0.0)) is None:
                await asyncio.sleep(0.01)
        return (heard_at - call.posted_at) * 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--turns", type=int, default=12, help="spoken turns to measure")
    turns = parser.parse_args().turns
    with tempfile.TemporaryDirectory() as directory, running_deployment() as deployment:
        figures = asyncio.run(measure(deployment, Speaker(Path(directory)), turns))
    publish("first_call", figures)


if __name__ == "__main__":
    main()
