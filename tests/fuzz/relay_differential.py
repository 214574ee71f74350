"""Holds the relay's compiled decisions to the reference's, packet by packet.

    python -m tests.fuzz.relay_differential [--packets N] [--seed S]

Both get the same steps of `relay_traffic`. What the compiled code punts goes to a
router over the compiled table. It judges a batch before Python takes what it punted
of it, so the reference gets each batch in that order too. The same count and seed
give the same packets.
"""

import argparse
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import count

from antiphon_proto.address import Address
from antiphon_proto.demux import PacketKind, packet_kind
from antiphon_proto.tunnel import CONTROL
from relay.drop_reason import DropReason
from relay.fast.uplink import TUNNEL_PAYLOAD
from relay.verdicts import Answer, Delivery, Forward, FromTunnel, PortDelivery, Transit
from tests.fuzz.relay_planes import CompiledPlane, Plane
from tests.fuzz.relay_traffic import (
    Arrivals,
    Drain,
    FromClients,
    FromOwners,
    HandOver,
    ProbeRelays,
    Reload,
    Step,
    Sweep,
    Traffic,
    Wait,
    World,
)
from tests.relay.observed_flows import observed_flows

PACKETS_A_WORLD = 5000
COMPARED_EVERY = 25
"""Steps after which the tables are compared."""

_TRAILER_BYTES = 24
_SHOWN = 2000
"""Characters of a step that is shown; the seed gives it again."""

_COMPILED_FORWARDS, _PUNTED_FORWARDS = "forwarded, compiled", "forwarded, punted"
_COMPILED_DELIVERIES, _PUNTED_DELIVERIES = "delivered, compiled", "delivered, punted"
_SHARED_DATAGRAMS, _ANSWERS, _OBEYED = "datagrams of several frames", "answered", "obeyed"

_PHONE_DELIVERIES = "delivered, from phone ports"
_COMPILED_TRANSIT, _PUNTED_TRANSIT = "passed on, compiled", "passed on, punted"
_OUTCOMES: Mapping[type, str] = {
    Answer: _ANSWERS,
    Delivery: _PUNTED_DELIVERIES,
    PortDelivery: _PHONE_DELIVERIES,
    Transit: _PUNTED_TRANSIT,
}

Sent = dict[tuple[Address, bytes], bytes]
"""Frames, by where they go and the header that they go behind."""

Outcomes = Counter[DropReason | str]
"""How many packets, and frames from owners, met which end."""

NOT_DECIDED_HERE = {
    DropReason.PORT_NOT_LEASED,
    DropReason.PORT_SOURCE,
    DropReason.PORT_RATE,
    DropReason.OWNER_SEND_FAILED,
    DropReason.CLIENT_SEND_FAILED,
    DropReason.TRANSIT_SEND_FAILED,
    DropReason.PUNT_QUEUE_FULL,
    DropReason.TUNNEL_PUNT_QUEUE_FULL,
}
"""What is decided in Python alone, as phone ports are, and what happens after the decision."""

FLOORS: Mapping[DropReason | str, int] = {
    **{reason: 2 for reason in DropReason if reason not in NOT_DECIDED_HERE},
    _COMPILED_FORWARDS: 2000,
    _PUNTED_FORWARDS: 300,
    _COMPILED_DELIVERIES: 3000,
    _PUNTED_DELIVERIES: 200,
    _SHARED_DATAGRAMS: 300,
    _ANSWERS: 100,
    _PHONE_DELIVERIES: 2,
    _COMPILED_TRANSIT: 150,
    _PUNTED_TRANSIT: 50,
    _OBEYED: 100,
}
"""Of 10,000 packets, how many must meet each end, lest the traffic tests nothing."""


class DifferenceError(AssertionError):
    """The two decided otherwise."""


class Differential:
    """Both planes of one world."""

    def __init__(self, seed: int) -> None:
        world = World(seed)
        self._traffic = Traffic(world, seed)
        self._reference = Plane(world)
        self._compiled = CompiledPlane(world)
        self._now = 1000.0
        self._start = self._now
        self._told_headers: set[bytes] = set()
        self.outcomes: Outcomes = Counter()
        self.packets = 0

    def run(self, packets: int) -> None:
        """Raises DifferenceError, whose cause is what differs."""
        for number, step in enumerate(self._traffic.steps()):
            try:
                self._take(step)
                if number % COMPARED_EVERY == 0:
                    self._compare_what_is_held()
            except Exception as error:
                raise DifferenceError(f"step {number}: {repr(step)[:_SHOWN]}") from error
            if self.packets >= packets:
                return

    def _take(self, step: Step) -> None:
        planes = (self._reference, self._compiled)
        match step:
            case FromClients():
                self._from_clients(step.arrivals)
            case FromOwners():
                self._from_owners(step.arrivals)
            case Wait():
                self._now += step.seconds
            case Sweep():
                for plane in planes:
                    plane.flows.sweep(self._now)
                    plane.leases.sweep(self._now)
            case Drain():
                for plane in planes:
                    plane.router.draining = step.draining
            case Reload():
                for plane in planes:
                    plane.reload(step.keys)
            case HandOver():
                for plane in planes:
                    plane.hand_over(self._now)
            case ProbeRelays():
                self._probe(step.silent)

    def _probe(self, silent: frozenset[Address]) -> None:
        probes = self._reference.probe(self._now)
        _same(probes, self._compiled.probe(self._now))
        for relay, probe in probes:
            if relay not in silent:
                datagram = self._traffic.probed(probe)
                self._punted_by_owner(datagram, relay)
        self._compiled.notice_gateways()

    def _compare_what_is_held(self) -> None:
        planes = (self._reference, self._compiled)
        _same(*(observed_flows(plane.flows, self._now) for plane in planes))
        _same(*(plane.counted() for plane in planes))
        _same(*(plane.leases.snapshot(self._now) for plane in planes))

    def _from_clients(self, arrivals: Arrivals) -> None:
        judged = self._compiled.judge_clients(arrivals, self._now)
        frames: Sent = defaultdict(bytes)
        for (datagram, client), verdict in zip(arrivals, judged.verdicts, strict=True):
            if verdict is None:
                # Looked up, too, which makes a table forget a flow that ended.
                self._reference.flows.find(client, self._now)
                continue
            expected = self._reference.from_client(datagram, client, self._now)
            if isinstance(expected, Forward):
                _same(expected.owner, verdict)
                route = self._reference.router.route_to(expected.owner)
                assert route is not None
                header = route.sender.data_header
                frames[expected.to, header] += expected.datagram[len(header) :]
                self.outcomes[_COMPILED_FORWARDS] += 1
            else:
                _same(expected, verdict)
                self.outcomes[expected] += 1
        self._compare_sent(frames, judged.sent, judged.frames)
        for (datagram, client), verdict in zip(arrivals, judged.verdicts, strict=True):
            if verdict is None:
                self._punted_by_client(datagram, client, alone=len(arrivals) == 1)
        self.packets += len(arrivals)

    def _compare_sent(
        self,
        expected: Sent,
        sent: Sequence[tuple[Address, bytes]],
        frames: Sequence[int],
    ) -> None:
        """The same frames in the same order to each owner, in datagrams of a proper size."""
        found: Sent = defaultdict(bytes)
        for (to, datagram), held in zip(sent, frames, strict=True):
            header = next(
                each for address, each in expected if address == to and datagram.startswith(each)
            )
            assert held == 1 or len(datagram) <= TUNNEL_PAYLOAD
            found[to, header] += datagram[len(header) :]
            if held > 1:
                self.outcomes[_SHARED_DATAGRAMS] += 1
        _same(expected, found)

    def _punted_by_client(self, datagram: bytes, client: Address, *, alone: bool) -> None:
        expected = self._reference.from_client(datagram, client, self._now)
        verdict = self._compiled.from_client(datagram, client, self._now)
        _same(expected, verdict)
        if alone and not (packet_kind(datagram) is PacketKind.STUN and datagram[:1] == b"\x00"):
            # Its owner's header was not known; all else can be dropped at once.
            known = {DropReason.SSRC_RATE, DropReason.CLUSTER_UNREACHABLE}
            assert isinstance(verdict, Forward) or verdict in known
        if isinstance(verdict, DropReason):
            self.outcomes[verdict] += 1
        else:
            self.outcomes[_PUNTED_FORWARDS] += 1

    def _from_owners(self, arrivals: Arrivals) -> None:
        judged = self._compiled.judge_owners(arrivals, self._now)
        payloads: list[Delivery] = []
        passed_on: list[tuple[Address, bytes]] = []
        for (datagram, source), verdict in zip(arrivals, judged.verdicts, strict=True):
            if verdict is None:
                continue
            expected = self._reference.from_owner(datagram, source, self._now)
            if verdict is not True:
                _same(expected, [verdict])
            for each in expected:
                assert not isinstance(each, (Answer, PortDelivery))
                if isinstance(each, Delivery):
                    payloads.append(each)
                    self.outcomes[_COMPILED_DELIVERIES] += 1
                elif isinstance(each, Transit):
                    passed_on.append((each.to, each.datagram))
                    self.outcomes[_COMPILED_TRANSIT] += 1
                else:
                    self.outcomes[each] += 1
        _same(
            _by_family((each.client, each.payload) for each in payloads),
            _by_family(judged.delivered),
        )
        _same(passed_on, judged.passed_on)
        for (datagram, source), verdict in zip(arrivals, judged.verdicts, strict=True):
            if verdict is None:
                self._punted_by_owner(datagram, source)
        self.packets += len(arrivals)

    def _punted_by_owner(self, datagram: bytes, source: Address) -> None:
        expected = self._reference.from_owner(datagram, source, self._now)
        verdicts = self._compiled.from_owner(datagram, source, self._now)
        _same(
            [_without_counter(each) for each in expected],
            [_without_counter(each) for each in verdicts],
        )
        for each in verdicts:
            self.outcomes[each if isinstance(each, DropReason) else _OUTCOMES[type(each)]] += 1
        if not verdicts:
            self.outcomes[_OBEYED] += 1


def run(packets: int, seed: int) -> Outcomes:
    """Feed `packets` packets in all, in worlds of their own. Raises DifferenceError."""
    outcomes: Outcomes = Counter()
    for number in count():
        left = packets - number * PACKETS_A_WORLD
        if left <= 0:
            return outcomes
        world = Differential(seed + number)
        try:
            world.run(min(left, PACKETS_A_WORLD))
        except DifferenceError as error:
            raise DifferenceError(f"--seed {seed + number}: {error}") from error.__cause__
        outcomes += world.outcomes
    raise AssertionError


def too_rare(outcomes: Outcomes, packets: int) -> dict[DropReason | str, int]:
    """The ends that fewer of `packets` met than `FLOORS` say, and how many did."""
    return {
        outcome: outcomes[outcome]
        for outcome, floor in FLOORS.items()
        if outcomes[outcome] < floor * packets // 10_000
    }


def _by_family(sent: Iterable[tuple[Address, bytes]]) -> object:
    """The order between the two sockets is nobody's."""
    families: dict[bool, list[tuple[Address, bytes]]] = defaultdict(list)
    for client, payload in sent:
        families[":" in client[0]].append((client, payload))
    return families


def _without_counter(verdict: FromTunnel) -> object:
    """Control frames have a counter that the process counts on."""
    if isinstance(verdict, Answer | Transit) and verdict.datagram[0] & CONTROL:
        return replace(verdict, datagram=verdict.datagram[:-_TRAILER_BYTES])
    return verdict


def _same(expected: object, found: object) -> None:
    if expected != found:
        both = (repr(each)[:_SHOWN] for each in (expected, found))
        raise AssertionError("the reference has {}, the compiled code {}".format(*both))


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--packets", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0, help="of the first world")
    options = parser.parse_args(argv)
    started = time.monotonic()
    outcomes = run(options.packets, options.seed)
    for outcome, number in outcomes.most_common():
        print(f"  {_name(outcome):30} {number:10}")
    print(f"{options.packets} packets, no difference, {time.monotonic() - started:.1f} s")
    if rare := too_rare(outcomes, options.packets):
        print("too rare to tell anything:", ", ".join(map(_name, rare)))
    return 1 if rare else 0


def _name(outcome: DropReason | str) -> str:
    return outcome.value if isinstance(outcome, DropReason) else outcome


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
