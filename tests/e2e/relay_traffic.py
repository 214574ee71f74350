"""Live calls through a relay, without the calls: real clients, a real owner's tunnel, and an
exact account of every packet between them."""

import contextlib
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.callers import Callers
from tests.e2e.packet_log import PacketLog
from tests.e2e.running_deployment import wait_until
from tests.e2e.stand_in_owner import StandInOwner
from tests.relay.conftest import Cluster, RelayProcess

CHECK_AGAIN_S = 0.5
SILENCE_S = 0.1
LAST_ARRIVALS_S = 2.0
"""How long after the last packet one that is missing may still be under way."""


@dataclass(frozen=True, slots=True)
class Account:
    """What was said and heard in both directions: up is from clients to the owner."""

    up_said: PacketLog
    up_heard: PacketLog
    down_said: PacketLog
    down_heard: PacketLog

    @property
    def up_lost(self) -> PacketLog:
        return self.up_said.missing_from(self.up_heard)

    @property
    def down_lost(self) -> PacketLog:
        return self.down_said.missing_from(self.down_heard)

    @property
    def lost_share(self) -> float:
        """Of the packets of both directions."""
        lost = len(self.up_lost) + len(self.down_lost)
        return lost / (len(self.up_said) + len(self.down_said))

    @property
    def duplicates(self) -> int:
        return self.up_heard.duplicates + self.down_heard.duplicates

    def __str__(self) -> str:
        return (
            f"up {len(self.up_said)} said, {len(self.up_lost)} lost; "
            f"down {len(self.down_said)} said, {len(self.down_lost)} lost"
        )


class LiveCalls:
    """Calls that are up: everyone speaks."""

    def __init__(self, owner: StandInOwner, callers: Callers, calls: int) -> None:
        self.owner = owner
        self.callers = callers
        self.calls = calls

    def wait_until_all_flow(self) -> None:
        """Every call is heard at both ends, from now on."""
        now_ns = time.monotonic_ns()

        def all_flow() -> bool:
            account = self.account()
            heard = account.up_heard.since(now_ns), account.down_heard.since(now_ns)
            return all(len(each.first_of_each_call()) == self.calls for each in heard)

        wait_until(all_flow, "every call is heard at both ends")

    def wait_until_none_flows(self) -> int:
        """Nobody is heard any more, at either end. Returns a moment since when that is so."""
        heard_before = -1

        def silent() -> bool:
            nonlocal heard_before
            account = self.account()
            before, heard_before = heard_before, len(account.up_heard) + len(account.down_heard)
            time.sleep(SILENCE_S)
            return before == heard_before

        wait_until(silent, "nobody is heard")
        return time.monotonic_ns()

    def assert_nothing_lost_since(self, at_ns: int) -> None:
        """What was said from then until now has arrived, at the latest in a moment."""
        now_ns = time.monotonic_ns()

        def lost() -> int:
            account = self.account()
            directions = (
                (account.up_said, account.up_heard),
                (account.down_said, account.down_heard),
            )
            return sum(
                len(said.since(at_ns).until(now_ns).missing_from(heard))
                for said, heard in directions
            )

        wait_until(lambda: not lost(), f"{lost()} packets arrive", LAST_ARRIVALS_S)

    def end(self) -> Account:
        """Have everyone fall silent, and count."""
        self.callers.hush()
        self.owner.speak(False)
        with contextlib.suppress(AssertionError):
            wait_until(self._all_arrived, "the last packets", LAST_ARRIVALS_S)
        return self.account()

    def account(self) -> Account:
        """What was said and heard so far."""
        up_said, down_heard = self.callers.said.copy(), self.callers.heard.copy()
        up_heard, down_said = self.owner.logs()
        return Account(up_said, up_heard, down_said, down_heard)

    def _all_arrived(self) -> bool:
        account = self.account()
        return not len(account.up_lost) and not len(account.down_lost)


class RelayCommand:
    """A relay with fixed flags, to be started again and again on the addresses it got first.

    Where it has several workers, their tunnel addresses are any, unless handed over.
    """

    def __init__(self, cluster: Cluster, directory: Path, *flags: str) -> None:
        self._key_file = directory / "cluster-keys"
        self._key_file.write_text(cluster.key_text)
        self._flags = flags
        self._addresses: tuple[str, ...] = ()
        self._started: list[RelayProcess] = []

    def start(self) -> RelayProcess:
        """Returns once it is ready."""
        relay = RelayProcess(self._key_file, *self._flags, *self._addresses)
        self._started.append(relay)
        self._addresses = ("--public", _text(relay.public))
        if len(relay.tunnels) == 1:
            self._addresses += ("--tunnel", _text(relay.tunnels[0]))
        return relay

    def close(self) -> None:
        for relay in self._started:
            relay.process.kill()
            relay.process.wait()


@contextlib.contextmanager
def relay_command(cluster: Cluster, *flags: str) -> Iterator[RelayCommand]:
    """Its relays end with the context."""
    with tempfile.TemporaryDirectory() as directory:
        command = RelayCommand(cluster, Path(directory), *flags)
        try:
            yield command
        finally:
            command.close()


@contextlib.contextmanager
def live_calls(cluster: Cluster, relay: RelayProcess, calls: int) -> Iterator[LiveCalls]:
    """Calls through that relay, every one validated by its owner, everyone speaking."""
    owner = StandInOwner(cluster.key_text)
    try:
        callers = Callers(relay.public, owner.open(calls))
        try:
            _connect(owner, callers, calls)
            owner.speak(True)
            callers.speak()
            live = LiveCalls(owner, callers, calls)
            live.wait_until_all_flow()
            yield live
        finally:
            callers.close()
    finally:
        owner.close()


def _connect(owner: StandInOwner, callers: Callers, calls: int) -> None:
    check_at = 0.0

    def connected() -> bool:
        nonlocal check_at
        if time.monotonic() > check_at:
            check_at = time.monotonic() + CHECK_AGAIN_S
            callers.check()
        return owner.validated() == calls

    wait_until(connected, "every call's owner validated its client")


def _text(address: tuple[str, int]) -> str:
    host, port = address
    return f"{host}:{port}"
