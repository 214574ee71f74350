"""How long a relay takes to be up, and what memory it takes then.

`python -m bench.relay_start` starts a relay of two workers again and again, with the fast path and
without. `entry_us` is a call of compiled code from Python: looking up a flow that is not there.
"""

import argparse
import os
import sys
import time
import timeit
from pathlib import Path

from antiphon.runtime_directory import RuntimeDirectory, new_cluster_keys
from bench.figures import median, publish, rounded
from bench.machine import machine
from bench.measured_process import MeasuredProcess
from relay.fast.flow_table import FastFlowTable

CALLS = 20_000


def started(cluster_keys: Path, flag: str) -> tuple[float, float]:
    """Seconds until it was ready, and MB; memory that processes share counts once."""
    command = [sys.executable, "-m", "relay", "--workers=2", "--drain-seconds=0", flag]
    addresses = [f"--{name}=127.0.0.1:0" for name in ("public", "tunnel", "admin")]
    keys = f"--cluster-keys={cluster_keys}"
    begun = time.monotonic()
    cores = os.sched_getaffinity(0)
    with MeasuredProcess("relay-start", [*command, *addresses, keys], cores) as relay:
        relay.report()
        seconds = time.monotonic() - begun
        return seconds, sum(each.memory_full_info().pss for each in relay.tree()) / 1e6


def entry_us() -> float:
    table = FastFlowTable(max_flows=1000)
    client = ("192.0.2.1", 4000)
    table.find(client, 0.0)
    rounds = timeit.repeat(lambda: table.find(client, 0.0), number=CALLS, repeat=5)
    return rounded(min(rounds) / CALLS * 1e6)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    figures: dict[str, float | str] = {**machine(), "entry_us": entry_us()}
    with RuntimeDirectory() as directory:
        keys = directory.write_secret("cluster.keys", new_cluster_keys())
        for path, flag in (("fast", "--fast-path=on"), ("plain", "--fast-path=off")):
            runs = [started(keys, flag) for _ in range(rounds)]
            figures |= median(f"{path}.seconds", [seconds for seconds, _ in runs])
            figures |= median(f"{path}.megabytes", [megabytes for _, megabytes in runs])
    publish("relay_start", figures)


if __name__ == "__main__":
    main()
