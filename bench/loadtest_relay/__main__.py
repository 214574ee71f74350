"""`python -m bench.loadtest_relay`: relay callers through a relay, and what a packet costs.

Callers, reflectors and the relay share the machine. Prints one table; the harness's own limits
follow from it.
"""

import argparse
import contextlib
import json
import multiprocessing
import os
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from urllib.request import urlopen

import psutil

from antiphon.runtime_directory import RuntimeDirectory, new_cluster_keys
from bench.loadtest_relay.caller_process import CallerLoad, CallerResult, run_callers
from bench.loadtest_relay.summary import Costs, print_costs
from bench.measured_process import MeasuredProcess
from chassis.readiness import ReadyReport
from loadtest.deployment.workers import workers_of

ANY = "127.0.0.1:0"
LEAD_S = 1.0


def main() -> None:
    options = _options()
    with ExitStack() as stack:
        keys = stack.enter_context(_keys())
        relay = stack.enter_context(_relay(keys, ANY, ANY))
        report = relay.report()
        reflectors = [_reflector(index, keys, report) for index in range(options.reflectors)]
        for reflector in reflectors:
            stack.enter_context(reflector)
        urls = [f"http://{each.report()['http']}" for each in reflectors]
        callers = [_start_caller(",".join(urls), options.uvloop) for _ in range(options.callers)]
        for link in callers:
            link.recv()
        load = _load(options)
        for index, link in enumerate(callers):
            link.send(replace(load, numbers=range(index, options.sessions, options.callers)))
        if options.fault == "worker":
            _sleep_until((load.hold_at + load.end_at) / 2)
            _kill(_workers(relay))
            use: dict[str, float] = {}
        elif options.fault == "relay":
            _sleep_until((load.hold_at + load.end_at) / 2)
            _kill(relay.tree())
            stack.enter_context(_relay(keys, str(report["public"]), _tunnel(report)))
            use = {}
        else:
            use = _cpu_between({"relay": [relay], "reflectors": reflectors}, load)
        results: list[CallerResult] = [link.recv() for link in callers]
        counters = [_counters(url) for url in urls]
    print_costs(Costs(options.seconds, results, use, counters))


def _load(options: argparse.Namespace) -> CallerLoad:
    begin = time.monotonic() + LEAD_S
    hold_at = begin + options.sessions / options.rate + LEAD_S
    return CallerLoad(
        numbers=(),
        set_ups_per_second=options.rate,
        packets_per_second=options.packets_per_second,
        begin_at=begin,
        hold_at=hold_at,
        end_at=hold_at + options.seconds,
    )


@contextmanager
def _keys() -> Iterator[Path]:
    with RuntimeDirectory() as directory:
        yield directory.write_secret("cluster.keys", new_cluster_keys())


def _relay(keys: Path, public: str, tunnel: str) -> MeasuredProcess:
    flags = (f"--public={public}", f"--tunnel={tunnel}", f"--admin={ANY}", "--cpus=off")
    return _python("relay", "relay", f"--cluster-keys={keys}", "--log-level=warning", *flags)


def _reflector(index: int, keys: Path, relay: ReadyReport) -> MeasuredProcess:
    flags = (f"--cluster-keys={keys}", f"--public={relay['public']}", f"--relays={_tunnel(relay)}")
    return _python(f"reflector-{index}", "loadtest.reflector", *flags)


def _tunnel(relay: ReadyReport) -> str:
    tunnels = relay["tunnels"]
    return ",".join(tunnels) if isinstance(tunnels, list) else str(tunnels)


def _python(name: str, module: str, *flags: str) -> MeasuredProcess:
    return MeasuredProcess(name, [sys.executable, "-m", module, *flags], os.sched_getaffinity(0))


def _start_caller(reflectors: str, use_uvloop: bool) -> Connection:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    context.Process(target=run_callers, args=(theirs,), daemon=True).start()
    ours.send((reflectors, use_uvloop))
    return ours


def _cpu_between(tiers: dict[str, Sequence[MeasuredProcess]], load: CallerLoad) -> dict[str, float]:
    """CPU seconds that each tier used while the load was held."""
    clocks = {name: [each.cpu_clock() for each in tier] for name, tier in tiers.items()}

    def read() -> dict[str, float]:
        return {name: sum(clock() for clock in each) for name, each in clocks.items()}

    _sleep_until(load.hold_at)
    before = read()
    _sleep_until(load.end_at)
    return {name: used - before[name] for name, used in read().items()}


def _workers(relay: MeasuredProcess) -> list[psutil.Process]:
    """Those that the relay's supervisor starts again."""
    return workers_of(relay.tree()[0].pid)


def _kill(processes: Iterable[psutil.Process]) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


def _sleep_until(when: float) -> None:
    time.sleep(max(0.0, when - time.monotonic()))


def _counters(url: str) -> dict[str, int]:
    with urlopen(f"{url}/counters") as answer:
        counters: dict[str, int] = json.load(answer)
    return counters


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.loadtest_relay", description=__doc__)
    parser.add_argument("--sessions", type=int, default=2000)
    parser.add_argument("--rate", type=float, default=1000.0, help="set-ups a second")
    parser.add_argument("--packets-per-second", type=float, default=5.0, help="of who speaks")
    parser.add_argument("--seconds", type=float, default=10.0, help="for how long all are up")
    parser.add_argument("--callers", type=int, default=2, help="processes")
    parser.add_argument("--reflectors", type=int, default=2)
    parser.add_argument(
        "--fault",
        choices=("none", "worker", "relay"),
        default="none",
        help="what is killed half-way: the relay's worker, or all of it; both start again",
    )
    parser.add_argument("--uvloop", action="store_true", help="in the callers' processes")
    return parser.parse_args()


if __name__ == "__main__":
    main()
