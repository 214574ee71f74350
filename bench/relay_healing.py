"""How calls fare when their relay is restarted, crashes or is flooded.

`python -m bench.relay_healing` carries 200 calls, 50 packets a second each in both directions,
through a relay on this machine, and counts every packet. Clients send media alone.

- killed.*: the relay is killed and started again: away_ms is how long no packet of a client is
  forwarded; up_ms and down_ms, from the first that is until every call has one through;
- planned.*, worker_killed.*, moved.*: packets lost in both directions, of so many, when a relay
  takes over from another, when one of two workers is killed, and when every client speaks
  from another address;
- flood.*: hostile datagrams a second while 100 calls speak, and the share of their packets lost.
"""

import argparse
import os
import platform
import statistics

from bench.figures import publish
from tests.e2e.relay_flood import flood_calls
from tests.e2e.relay_healing import Killed, clients_moved, planned_restarts, worker_killed
from tests.e2e.relay_traffic import Account, live_calls, relay_command
from tests.relay.conftest import Cluster

CALLS = 200
FLOODED_CALLS = 100
FLOODS = {"fast": (1_000_000, 100_000.0), "plain": (50_000, 10_000.0)}


def killed(cluster: Cluster, flag: str, rounds: int) -> dict[str, float]:
    with relay_command(cluster, flag) as command:
        relay = command.start()
        with live_calls(cluster, relay, CALLS) as live:
            relays = Killed(live, relay, command)
            healings = [relays.again() for _ in range(rounds)]
    return {
        f"killed.{name}": round(statistics.median(getattr(each, name) for each in healings), 1)
        for name in ("away_ms", "up_ms", "down_ms")
    }


def lost(name: str, account: Account) -> dict[str, float]:
    return {
        f"{name}.packets": len(account.up_said) + len(account.down_said),
        f"{name}.lost": len(account.up_lost) + len(account.down_lost),
    }


def flooded(cluster: Cluster, path: str, flag: str) -> dict[str, float]:
    count, rate = FLOODS[path]
    flood = flood_calls(cluster, FLOODED_CALLS, count, rate, flag)
    return {
        "flood.datagrams": flood.result.sent,
        "flood.datagrams_per_second": round(flood.result.sent / flood.result.seconds),
        "flood.answered_bytes": flood.result.answered_bytes,
        "flood.growth_bytes": flood.growth_bytes,
        **lost("flood", flood.account),
    }


def measure(path: str, flag: str, rounds: int) -> dict[str, float]:
    cluster = Cluster()
    account, _checks = planned_restarts(cluster, CALLS, rounds, flag, "--workers=2")
    moved, _drops = clients_moved(cluster, CALLS, flag)
    return {
        **killed(cluster, flag, rounds),
        **lost("planned", account),
        **lost("worker_killed", worker_killed(cluster, CALLS, flag).account),
        **lost("moved", moved),
        **flooded(cluster, path, flag),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=5, help="restarts of each kind")
    rounds = parser.parse_args().rounds
    figures: dict[str, float | str] = {
        "machine.cores": os.cpu_count() or 0,
        "machine.architecture": platform.machine(),
        "machine.python": platform.python_version(),
        "calls": CALLS,
        "rounds": rounds,
    }
    for path, flag in (("fast", "--fast-path=on"), ("plain", "--fast-path=off")):
        measured = measure(path, flag, rounds)
        figures |= {f"{path}.{name}": value for name, value in measured.items()}
    publish("relay_healing", figures)


if __name__ == "__main__":
    main()
