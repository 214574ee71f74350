"""What a worker and the relay workers have to say to each other besides clients' datagrams."""

from collections.abc import Callable, Iterable

from antiphon_proto.address import Address
from antiphon_proto.tunnel import Frame
from antiphon_proto.tunnel_control import Hello, control_frame
from transceiver.announcer import Announcer, Occasion
from transceiver.clients_abroad import ClientsAbroad
from transceiver.counters import TunnelCounters
from transceiver.relay_directory import Probe, RelayDirectory
from transceiver.relay_ways import RelayWays
from transceiver.tunnel_peer import by_size

SWEEP_S = 1.0
"""How often clients that were abroad are looked through."""

Transmit = Callable[[bytes, Address], bool]
"""Sends a datagram; whether the kernel took it."""


class RelayTalk:
    """Probes relay workers, and tells each one which clients are this worker's.

    Those of this cluster are told of all, those of another one of the clients that came
    through it or a sibling.
    """

    def __init__(
        self,
        directory: RelayDirectory,
        announcer: Announcer,
        ways: RelayWays,
        counters: TunnelCounters,
        transmit: Transmit,
    ) -> None:
        self._directory = directory
        self._announcer = announcer
        self._ways = ways
        self._counters = counters
        self._transmit = transmit
        self._abroad = ClientsAbroad(directory.siblings, announcer.holds)
        self._sweep_at = 0.0

    def came(self, client: Address, relay: Address, now: float) -> None:
        """A datagram of `client` came through `relay`, of another cluster."""
        if self._abroad.came(client, relay, now):
            self._announcer.announce_again(client)

    def came_home(self, client: Address) -> None:
        """A datagram of `client` came through a relay of this cluster."""
        if self._abroad:
            self._abroad.came_home(client)

    def hello(self, relay: Address, epoch: int, hello: Hello, now: float) -> bool:
        """A HELLO of `relay`; whether it knew nothing, and has been told everything."""
        if not self._directory.hello(relay, epoch, hello, now):
            return False
        everything = self._announcer.everything()
        if self._directory.is_remote(relay):
            everything = self._abroad.told_to(relay, everything)
        self._tell([relay], everything, Occasion.NEW_EPOCH)
        return True

    def tell_changes(self) -> None:
        """Tell what changed since the last call."""
        if self._announcer.changed:
            self._tell_all(self._announcer.changes(), Occasion.CHANGE)

    def tick(self, now: float) -> None:
        """Probe, and refresh what relay workers were told, as far as due; about every 50 ms."""
        self.probe(now)
        refresh = self._announcer.due(now)
        if refresh:
            self._tell_all(refresh, Occasion.REFRESH)
        if now >= self._sweep_at:
            self._sweep_at = now + SWEEP_S
            used = self._abroad.sweep(now)
            self._directory.forget_remote(used)
            self._ways.forget(used)

    def probe(self, now: float) -> None:
        """Send the probes that are due."""
        for probe in self._directory.tick(now):
            self.send(self._question(probe), probe.relay)

    def send(self, frames: list[Frame], relay: Address) -> None:
        """Send frames in one datagram; a full socket drops it, counted."""
        sender, to = self._ways.to(relay)
        if not self._transmit(sender.encode(frames), to):
            self._counters.send_failures += 1

    def _question(self, probe: Probe) -> list[Frame]:
        hello = control_frame(Hello(probe.nonce, ()))
        return [self._announcer.reset, hello] if probe.introduce else [hello]

    def _tell_all(self, frames: list[Frame], occasion: Occasion) -> None:
        self._tell(self._directory.listening(), frames, occasion)
        if self._abroad:
            concerned = self._abroad.by_relay(frames)
            for relay in self._directory.listening(remote=True):
                if relay in concerned:
                    self._tell([relay], concerned[relay], occasion)

    def _tell(self, relays: Iterable[Address], frames: list[Frame], occasion: Occasion) -> None:
        for relay in relays:
            self._counters.announced[occasion] += len(frames)
            for datagram in by_size(frames):
                self.send(datagram, relay)
