"""Callers that speak without a pause: `python -m tests.e2e.rollout.callers URL KEY HOST`.

It reads an order a line of JSON, and answers each with a line: place calls of a group, record
from now on, report on a group, hang up.
"""

import asyncio
import json
import sys
import time
from dataclasses import asdict, dataclass
from itertools import chain

from bench.scheduling import go_first
from bench.transceiver.generator import Generator, Service
from bench.transceiver.load_client import Habits, LoadClient
from bench.transceiver.speech import VOIP, packets


@dataclass(frozen=True, slots=True)
class CallReport:
    """What a caller heard since recording was asked for."""

    heard: int
    """Packets."""
    longest_gap_s: float
    """Between two of them, or since the last."""
    silent_s: float
    """Since the last."""
    missing: int
    """Those whose numbers are between the others', and that did not come."""
    missing_in_a_row: int
    unheard: int
    """Packets of its own that the server missed, by its last report."""


class Callers:
    def __init__(self, service: Service, host: str) -> None:
        self._service = service
        self._habits = Habits(packets(VOIP), host=host)
        self._groups: dict[str, list[Generator]] = {}
        self._unheard: dict[LoadClient, int] = {}

    async def obey(self, order: dict[str, str]) -> object:
        """Raises ProcessFailedError when a call cannot be placed."""
        group = order.get("group", "")
        match order["do"]:
            case "place":
                generator = Generator(self._service, self._habits)
                self._groups.setdefault(group, []).append(generator)
                await generator.place(int(order["calls"]))
                generator.start()
            case "record":
                for generator in chain.from_iterable(self._groups.values()):
                    generator.start_recording()
                    self._unheard |= {each: each.unheard for each in generator.clients}
            case "report":
                clients = (each for every in self._groups[group] for each in every.clients)
                return [asdict(self._report(each)) for each in clients]
            case "hang_up":
                for generator in self._groups.pop(group):
                    await generator.close()
        return {}

    def _report(self, client: LoadClient) -> CallReport:
        arrivals, now_ns = client.arrivals, time.time_ns()
        return CallReport(
            heard=len(arrivals),
            longest_gap_s=arrivals.longest_gap_seconds(now_ns),
            silent_s=arrivals.silent_seconds(now_ns),
            missing=arrivals.lost,
            missing_in_a_row=arrivals.longest_loss,
            unheard=client.unheard - self._unheard.get(client, 0),
        )


async def _serve(callers: Callers) -> None:
    print(json.dumps({}), flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        print(json.dumps(await callers.obey(json.loads(line))), flush=True)


if __name__ == "__main__":
    _url, _key, _host = sys.argv[1:]
    go_first()
    asyncio.run(_serve(Callers(Service(_url, _key), _host)))
