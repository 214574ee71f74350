"""What two reports of a relay, taken some time apart, tell about it.

Takes reports and returns lines; asks nobody.
"""

from collections.abc import Iterator, Sequence

from antiphon.finding import Finding, Mark, fail, judged, note, ok
from antiphon_proto.relay_report import (
    ClientFlow,
    ClientReport,
    Drops,
    KernelDrops,
    RelayReport,
    Traffic,
    WorkerReport,
)

DIRECTIONS = {"to_owner": "from clients to owners", "to_client": "from owners to clients"}

MARKS = {"expected": Mark.OK, "suspect": Mark.NOTE}
"""How a drop reason that counts is marked, by severity; FAIL for any other."""


def relay_findings(before: RelayReport, after: RelayReport, seconds: float) -> Iterator[Finding]:
    """All that there is to say of a relay; `seconds` lie between the reports."""
    yield _readiness(after)
    yield from _processes(before, after)
    yield from map(_worker, after.workers)
    yield from _owners(after)
    yield from _phone_ports(after)
    yield from _clusters(after)
    yield from _refused_without_owner(before, after)
    yield from _keys(before, after)
    yield from _traffic(before, after, seconds)
    yield from _drops(before.drops, after.drops, seconds)
    yield from _kernel_drops(before.kernel_drops, after.kernel_drops, seconds)
    yield from _counting("flows evicted early", before.evictions, after.evictions, seconds)
    yield from _counting(
        "receive errors, as from ICMP", before.receive_errors, after.receive_errors, seconds
    )


def client_findings(client: str, report: ClientReport) -> Iterator[Finding]:
    """What the relay knows of a client's address."""
    if not report.flows:
        yield fail(
            f"client {client}: no flow. Its checks do not arrive, or do not authenticate (the "
            "drops ufrag_* and integrity count them), or its owner gave it up"
        )
    for flow in sorted(report.flows, key=lambda each: (each.client, each.worker)):
        yield ok(f"client {flow.client} at worker {flow.worker}: {_remembered(flow)}")


def _remembered(flow: ClientFlow) -> str:
    if flow.state == "bound":
        return f"bound to owner {flow.owner} for {flow.seconds_left} s more"
    if flow.state == "signalled":
        return (
            f"named by SIP to owner {flow.owner}, for {flow.seconds_left} s more: media goes both "
            "ways, and no check will prove that the client is there"
        )
    return (
        f"provisional, to owner {flow.owner} for {flow.seconds_left} s more: the client has not "
        "answered its owner's check yet, and is sent at most 3 times what it sent"
    )


def _readiness(report: RelayReport) -> Finding:
    if report.draining:
        return note("draining: takes no new client, and stops when idle or at its deadline")
    if report.not_ready is not None:
        return fail(f"not ready: {report.not_ready}")
    return ok(f"ready, takes clients on {', '.join(report.public)}")


def _processes(before: RelayReport, after: RelayReport) -> Iterator[Finding]:
    answered, wanted = len(after.workers), after.workers_wanted
    yield judged(
        after.workers_alive == answered == wanted,
        f"{after.workers_alive} of {wanted} workers run, {answered} answer",
    )
    if after.worker_restarts > before.worker_restarts:
        yield fail("a worker has just crashed: the relay's log says why")
    elif after.worker_restarts:
        yield note(f"workers crashed {after.worker_restarts} times since the start: see the log")


def _worker(worker: WorkerReport) -> Finding:
    if worker.fast_path:
        loop = f"compiled loop, lets packets gather for {1000 * worker.moderation_seconds:.2g} ms"
    else:
        loop = f"plain Python ({worker.fallback or 'the compiled loop is off'})"
    table = f", table of {worker.table_bytes / 1e6:.1f} MB" if worker.table_bytes else ""
    text = (
        f"worker {worker.index}: tunnel {worker.tunnel}, epoch {worker.epoch}, {loop}; flows: "
        f"{worker.bound} bound, {worker.provisional} provisional; {worker.ssrcs} SSRCs{table}"
    )
    return ok(text) if worker.fast_path else note(text)


def _owners(report: RelayReport) -> Iterator[Finding]:
    """Owners announce each flow to every worker, so that the workers know the same."""
    bound: dict[str, dict[int, int]] = {}
    for worker in report.workers:
        for each in worker.owners:
            bound.setdefault(each.owner, {})[worker.index] = each.bound
    if not any(count for by_worker in bound.values() for count in by_worker.values()):
        yield note("no owner has bound a flow: there are no calls, or transceivers do not reach us")
    for owner, by_worker in sorted(bound.items()):
        if not any(by_worker.values()):
            continue
        counts = [by_worker.get(worker.index, 0) for worker in report.workers]
        text = f"owner {owner}: {max(counts)} flows bound"
        if all(counts):
            yield ok(text)
        else:
            missing = [
                worker.tunnel
                for worker, count in zip(report.workers, counts, strict=True)
                if not count
            ]
            yield note(f"{text}, but none at {', '.join(missing)}, which it may not reach")


def _phone_ports(report: RelayReport) -> Iterator[Finding]:
    """Those of all workers, where there are any."""
    ports = sum(worker.phone_ports for worker in report.workers)
    leased = sum(worker.leased_ports for worker in report.workers)
    if ports and leased == ports:
        yield note(f"all {ports} phone ports are leased: the next phone behind NAT goes unheard")
    elif ports:
        yield ok(f"phone ports: {leased} of {ports} leased")


def _clusters(report: RelayReport) -> Iterator[Finding]:
    """Each other cluster, as the worker sees it that reaches fewest of its relays."""
    for cluster in sorted({each.cluster for worker in report.workers for each in worker.clusters}):
        seen = [each for w in report.workers for each in w.clusters if each.cluster == cluster]
        worst = min(seen, key=lambda each: each.answering)
        text = f"cluster {cluster}: {worst.answering} of {worst.relays} relay workers answer"
        if not worst.answering:
            yield fail(
                f"{text}: calls of its transceivers do not go through here. Compare --clusters "
                "with the --tunnel or --tunnel-name of its relays, and see what these drop as "
                "relay_not_allowed and transit_*"
            )
        elif worst.answering < worst.relays:
            yield note(f"{text}; its calls go through these")
        else:
            yield ok(text)


def _refused_without_owner(before: RelayReport, after: RelayReport) -> Iterator[Finding]:
    refused = sum(each.count for each in after.drops if each.refuses_checks)
    refused -= sum(each.count for each in before.drops if each.refuses_checks)
    if refused > 0 and not any(worker.bound for worker in after.workers):
        yield fail("clients' checks are refused, and no call goes through: do the keys differ?")


def _keys(before: RelayReport, after: RelayReport) -> Iterator[Finding]:
    in_force = {config_id for worker in after.workers for config_id in worker.config_ids}
    for config_id in sorted(in_force | after.checks_verified.keys()):
        verified = after.checks_verified.get(config_id, 0)
        now = verified - before.checks_verified.get(config_id, 0)
        text = f"key config {config_id}: {verified} checks verified, {max(0, now)} of them just now"
        yield ok(text if config_id in in_force else f"{text}; it is no longer in the key file")


def _traffic(before: RelayReport, after: RelayReport, seconds: float) -> Iterator[Finding]:
    for direction, words in DIRECTIONS.items():
        kinds = [each for each in after.traffic if each.direction == direction]
        earlier = {each.kind: each for each in before.traffic if each.direction == direction}
        rates = {each.kind: _rate(earlier.get(each.kind), each, seconds) for each in kinds}
        packets = sum(rate[0] for rate in rates.values())
        text = f"{words}: {packets:.0f} packets/s"
        if packets:
            kilobits = sum(rate[1] for rate in rates.values()) * 8 / 1000
            parts = ", ".join(f"{kind} {rate[0]:.0f}" for kind, rate in rates.items() if rate[0])
            text += f" ({parts}), {kilobits:.0f} kbit/s"
        yield ok(text)
    punts = max(0, after.punts - before.punts) / seconds
    yield ok(f"left to Python by the compiled loop: {punts:.0f} datagrams/s")


def _rate(before: Traffic | None, after: Traffic, seconds: float) -> tuple[float, float]:
    """Packets and bytes a second."""
    packets, size = (before.packets, before.size) if before else (0, 0)
    return max(0, after.packets - packets) / seconds, max(0, after.size - size) / seconds


def _drops(before: Sequence[Drops], after: Sequence[Drops], seconds: float) -> Iterator[Finding]:
    earlier = {each.reason: each.count for each in before}
    past = []
    for each in after:
        rate = (each.count - earlier.get(each.reason, 0)) / seconds
        if rate > 0:
            yield Finding(
                MARKS.get(each.severity, Mark.FAIL),
                f"dropped, {each.reason}: {each.count} packets {DIRECTIONS[each.direction]}, "
                f"{_per_second(rate)}. {each.meaning} {each.advice}",
            )
        elif each.count:
            past.append(f"{each.reason} {each.count}")
    if past:
        yield ok(f"dropped since the start, but not now: {', '.join(past)}")


def _kernel_drops(before: KernelDrops, after: KernelDrops, seconds: float) -> Iterator[Finding]:
    for name, earlier, later in (
        ("public", before.public, after.public),
        ("tunnel", before.tunnel, after.tunnel),
        ("phone", before.phone, after.phone),
    ):
        what = f"discarded by the kernel, as the {name} sockets' receive buffers were full"
        if later > earlier:
            rate = _per_second((later - earlier) / seconds)
            yield fail(f"{what}: {later}, {rate}. Add workers")
        elif later:
            yield note(f"{what}: {later} since the start, but none now")


def _counting(what: str, before: int, after: int, seconds: float) -> Iterator[Finding]:
    if after > before:
        yield note(f"{what}: {after}, {_per_second((after - before) / seconds)}")


def _per_second(rate: float) -> str:
    return f"{rate:.0f}/s" if rate >= 10 else f"{rate:.1f}/s"
