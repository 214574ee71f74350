"""`python -m bench.inference.hand_off`: what a caller hears when its inference replica dies.

A deployment of its own with two replicas. In each round the replica that serves a call is
killed in the middle of an answer; by an aiortc client on the same machine:

- resumed_ms: the worker's account, from the loss of the trunk to the next replica's Ready;
- gap_ms: the longest silence in the answer, above that of the same answer left alone;
- late_ms: how much later its end came than without;
- words_right: rounds whose transcript is whole, without a word twice.
"""

import argparse
import asyncio
import itertools
import time
from http.client import HTTPException

import psutil

from antiphon.call import session_config
from antiphon.realtime_call import RealtimeCall
from bench.figures import publish, spread
from tests.e2e.running_deployment import RunningDeployment, running_deployment, scraped, wait_until

LINES = "seven wise owls watch the quick brown fox jump over the lazy dog from an old oak tree"
PATIENCE_S = 20.0
KILLED_AFTER_S = 1.5
BOUND_MS = 1000


class Replicas:
    """Of a deployment: which one has calls, and what becomes of it."""

    def __init__(self, deployment: RunningDeployment) -> None:
        self._deployment = deployment

    def serving(self) -> psutil.Process:
        """The process whose replica holds a session."""
        for process in self._processes():
            for connection in process.net_connections("tcp"):
                if connection.status == psutil.CONN_LISTEN and self._sessions(connection.laddr):
                    return process
        raise LookupError("no replica has a session")

    def both_up(self) -> bool:
        ready = 'antiphon_transceiver_replicas{state="ready"}'
        return self._deployment.metrics("transceiver").get(ready) == 2

    def _processes(self) -> list[psutil.Process]:
        children = psutil.Process(self._deployment.process.pid).children()
        return [child for child in children if "inference" in child.cmdline()[2:5]]

    def _sessions(self, address: tuple[str, int]) -> float:
        try:
            return scraped(f"http://{address[0]}:{address[1]}/metrics").get(
                "antiphon_inference_sessions", 0
            )
        except (OSError, ValueError, HTTPException):
            return 0


class Answer:
    """One answer as the caller heard it."""

    def __init__(self, call: RealtimeCall, since: int, frames: int) -> None:
        done = call.find("response.done", since)
        assert done is not None
        content = done.event["response"]["output"][0]["content"][0]
        self.words = content["transcript"].lower().rstrip(".").split()
        heard = [frame for frame in call.heard.frames[frames:] if frame.audible]
        self.lasted_s = heard[-1].arrived_at - heard[0].arrived_at
        self.longest_silence_s = max(
            later.arrived_at - earlier.arrived_at for earlier, later in itertools.pairwise(heard)
        )


async def answer(call: RealtimeCall, disturb: "asyncio.Task[None] | None" = None) -> Answer:
    since, frames = len(call.events), len(call.heard.frames)
    content = [{"type": "input_text", "text": f"repeat after me {LINES}"}]
    item = {"type": "message", "role": "user", "content": content}
    call.send({"type": "conversation.item.create", "item": item})
    call.send({"type": "response.create"})
    await call.event("output_audio_buffer.stopped", since=since, timeout_s=PATIENCE_S)
    if disturb is not None:
        await disturb
    return Answer(call, since, frames)


async def killed_round(deployment: RunningDeployment, replicas: Replicas) -> dict[str, float]:
    """One call: an answer left alone, and one whose replica is killed in it."""
    resumed = "antiphon_transceiver_hand_off_seconds_sum"
    async with RealtimeCall() as call:
        await call.place(deployment.url, deployment.api_key, session_config("cascade"))
        alone = await answer(call)
        before = deployment.metrics("transceiver")[resumed]
        serving = replicas.serving()

        async def kill() -> None:
            await asyncio.sleep(KILLED_AFTER_S)
            serving.kill()

        killed = await answer(call, asyncio.create_task(kill()))
        after = deployment.metrics("transceiver")[resumed]
    wait_until(replicas.both_up, "both replicas are back")
    return {
        "resumed_ms": (after - before) * 1000,
        "gap_ms": (killed.longest_silence_s - alone.longest_silence_s) * 1000,
        "late_ms": (killed.lasted_s - alone.lasted_s) * 1000,
        "right": float(killed.words == LINES.split()),
    }


async def measure(deployment: RunningDeployment, rounds: int) -> dict[str, float | str]:
    replicas = Replicas(deployment)
    wait_until(replicas.both_up, "both replicas are up")
    measured = [await killed_round(deployment, replicas) for _ in range(rounds)]
    figures: dict[str, float | str] = {"rounds": rounds}
    for name in ("resumed_ms", "gap_ms", "late_ms"):
        figures |= spread(name, [each[name] for each in measured])
    figures["words_right"] = sum(each["right"] for each in measured)
    figures["bound_ms"] = BOUND_MS
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    rounds = parser.parse_args().rounds
    began = time.monotonic()
    with running_deployment("--inference-replicas=2") as deployment:
        figures = asyncio.run(measure(deployment, rounds))
    figures["seconds"] = round(time.monotonic() - began, 1)
    publish("hand_off", figures)


if __name__ == "__main__":
    main()
