"""A rolling update of every tier under live calls, and what the callers heard of it."""

import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from antiphon.runtime_directory import new_api_key, new_cluster_keys
from tests.e2e.rollout.callers import CallReport
from tests.e2e.rollout.cluster import NODES, PUBLIC, READY_S, Cluster, Delays
from tests.e2e.rollout.pod import Pod
from tests.e2e.rollout.workload import Object, Workload, services, workloads

BEFORE_S = 1.0
AFTER_S = 4.0
"""Longer than callers wait for the server's reports."""


@dataclass(frozen=True, slots=True)
class Step:
    """What the calls of a group went through."""

    name: str
    seconds: float
    reports: Sequence[CallReport]

    @property
    def longest_gap_s(self) -> float:
        return max(each.longest_gap_s for each in self.reports)

    @property
    def longest_loss(self) -> int:
        """Packets in a row that did not come to a caller, or so many of one's that were not heard
        at all."""
        return max(max(each.missing_in_a_row, each.unheard) for each in self.reports)

    @property
    def lost(self) -> int:
        """Either way, of the call that lost most."""
        return max(each.missing + each.unheard for each in self.reports)

    def __str__(self) -> str:
        return (
            f"{self.name:28} {len(self.reports):3} calls {self.seconds:6.1f} s"
            f"  longest gap {self.longest_gap_s * 1000:5.0f} ms"
            f"  packets lost of a call: {self.lost}, {self.longest_loss} in a row"
        )


class CallersProcess:
    """`callers` where the cluster's clients are."""

    def __init__(self, cluster: Cluster, url: str, api_key: str, host: str) -> None:
        command = [sys.executable, "-m", "tests.e2e.rollout.callers", url, api_key, host]
        self._process = subprocess.Popen(
            ["ip", "netns", "exec", cluster.clients.name, *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def wait_until_ready(self) -> None:
        self._answer()

    def order(self, do: str, **details: str) -> Any:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": do, **details}) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def report(self, group: str) -> list[CallReport]:
        return [CallReport(**each) for each in self.order("report", group=group)]

    def close(self) -> None:
        self._process.kill()
        self._process.wait()

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the callers ended"
        return json.loads(line)


class Rehearsal:
    """Calls through a cluster that is being updated."""

    def __init__(
        self, cluster: Cluster, tiers: Mapping[str, Workload], callers: CallersProcess
    ) -> None:
        self.cluster = cluster
        self.tiers = tiers
        self.callers = callers

    def place(self, group: str, calls: int) -> None:
        self.callers.order("place", group=group, calls=str(calls))

    def step(self, name: str, group: str, do: Callable[[], object]) -> Step:
        """Do something while the group's calls go on."""
        self.callers.order("record")
        started = time.monotonic()
        time.sleep(BEFORE_S)
        do()
        time.sleep(AFTER_S)
        return Step(name, time.monotonic() - started, self.callers.report(group))

    def update(self, tier: str) -> None:
        """Replace its pods; returns when the old ones have ended."""
        workload = self.tiers[tier]
        for pod in self.cluster.replace(workload):
            pod.join(workload.grace_s + 5.0)
            assert pod.ended == 0, pod.latest_log

    def carried(self) -> list[int]:
        """Calls of each transceiver that runs, the oldest first."""
        return [
            int(samples(pod.fetch("/metrics", pod.workload.port("admin"))))
            for pod in self.cluster.pods
            if pod.workload.tier == "transceiver" and pod.ended is None
        ]


def samples(page: str) -> float:
    """The calls that a page of metrics counts."""
    lines = [line for line in page.splitlines() if line.startswith("antiphon_transceiver_calls{")]
    return sum(float(line.rpartition(" ")[2]) for line in lines)


def rehearse(rehearsal: Rehearsal, calls: int) -> list[Step]:
    """Update relays, transceivers and inference replicas, one tier after the other."""
    rehearsal.place("first", calls)
    steps = [rehearsal.step("nothing", "first", lambda: None)]
    steps.append(rehearsal.step("relays", "first", lambda: rehearsal.update("relay")))
    steps.append(update_transceivers(rehearsal, calls))
    replaced = partial(rehearsal.update, "inference")
    steps.append(rehearsal.step("inference replicas", "second", replaced))
    return steps


def rehearse_hand_over(rehearsal: Rehearsal, calls: int) -> Step:
    """Update relays that hand their sockets over, on their hosts' networks."""
    rehearsal.place("first", calls)
    return rehearsal.step("relays, by hand-over", "first", lambda: rehearsal.update("relay"))


def update_transceivers(rehearsal: Rehearsal, calls: int) -> Step:
    """Those that there are go on in the old pods, and come to their own end there; new ones
    come to new pods."""
    some = calls // 5
    workload = rehearsal.tiers["transceiver"]
    old: list[Pod] = []

    def update() -> None:
        old.extend(rehearsal.cluster.replace(workload))
        rehearsal.cluster.wait_until(lambda: all(p.terminated_at for p in old), "are told to end")
        rehearsal.place("second", some)
        *before, _, _ = after = rehearsal.carried()
        assert sum(before) == calls, f"calls of transceivers: {after}"
        assert all(before), f"some had no call to carry on with: {after}"

    step = rehearsal.step("transceivers", "first", update)
    rehearsal.callers.order("hang_up", group="first")
    for pod in old:
        pod.join(READY_S)
        assert pod.ended == 0, pod.latest_log
    rehearsal.place("second", calls - some)
    return step


@contextlib.contextmanager
def rehearsal(
    objects: Sequence[Object],
    delays: Delays,
    *,
    nodes: int = NODES,
    modules: Mapping[str, str] | None = None,
) -> Iterator[Rehearsal]:
    """Run the objects' workloads, until the end of the context; see `Cluster`."""
    tiers = workloads(objects)
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        secrets = Path(folder) / "secrets"
        secrets.mkdir()
        api_key = new_api_key()
        (secrets / "cluster.keys").write_text(new_cluster_keys())
        (secrets / "api.keys").write_text(api_key)
        cluster = stack.enter_context(
            Cluster(services(objects), secrets, Path(folder), delays, nodes=nodes, modules=modules)
        )
        callers = CallersProcess(cluster, f"http://{PUBLIC}", api_key, "198.51.100.2")
        stack.callback(callers.close)
        cluster.deploy(*tiers.values())
        callers.wait_until_ready()
        yield Rehearsal(cluster, tiers, callers)
