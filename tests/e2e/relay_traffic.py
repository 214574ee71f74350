"""Live calls through a relay, without the calls: real clients, a real owner's tunnel, and an
exact account of every packet between them."""

import contextlib
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.callers import Callers
from tests.e2e.packet_log import PacketLog
from tests.e2e.running_deployment import wait_until
from tests.e2e.stand_in_owner import StandInOwner
from tests.relay.conftest import Cluster, RelayProcess

CHECK_AGAIN_S = 0.5
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

    def heard_by_owner_since(self, at_ns: int) -> PacketLog:
        return self.owner.logs()[0].since(at_ns)

    def wait_until_all_flow(self) -> None:
        """Every call is heard at both ends, of what is said from now on."""
        now_ns = time.monotonic_ns()

        def all_flow() -> bool:
            up = self.heard_by_owner_since(now_ns).first_of_each_call()
            down = self.callers.heard.since(now_ns).first_of_each_call()
            return len(up) == len(down) == self.calls

        wait_until(all_flow, "every call is heard at both ends")

    def end(self) -> Account:
        """Have everyone fall silent, and count."""
        self.callers.hush()
        self.owner.speak(False)
        with contextlib.suppress(AssertionError):
            wait_until(self._all_arrived, "the last packets", LAST_ARRIVALS_S)
        return self._account()

    def _all_arrived(self) -> bool:
        account = self._account()
        return not len(account.up_lost) and not len(account.down_lost)

    def _account(self) -> Account:
        up_heard, down_said = self.owner.logs()
        return Account(self.callers.said, up_heard, down_said, self.callers.heard)


class RelayCommand:
    """A relay with fixed flags, to be started again and again on the addresses it got first."""

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
        self._addresses = (
            *("--public", _text(relay.public)),
            *("--tunnel", _text(relay.tunnels[0])),
        )
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


def until(holds: Callable[[], object], what: str) -> None:
    wait_until(holds, what)


def _text(address: tuple[str, int]) -> str:
    host, port = address
    return f"{host}:{port}"
