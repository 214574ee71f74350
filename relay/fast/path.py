"""The compiled loop of one worker, and Python's ends of what it shares with it."""

import os
import signal
import socket
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np

from antiphon_proto.address import Address
from relay.address_key import key_of
from relay.counters import WorkerCounters
from relay.fast import loop, path_calls, table_calls
from relay.fast.flow_table import FastFlowTable
from relay.fast.machine_code import addresses
from relay.fast.punt import read_punt
from relay.fast.sockaddr import name_of

PUNT_BUFFER_BYTES = 1 << 20
"""Asked for each of the two queues of punts; the kernel may give less."""


class FastPath:
    """Moves datagrams in a thread of its own, from `start` to `stop`.

    The sockets stay the caller's, who may send on them too, and keeps them open until
    the thread has ended. `publics` has at most one socket for each address family.
    """

    def __init__(
        self,
        publics: Sequence[socket.socket],
        tunnel: socket.socket,
        flows: FastFlowTable,
        *,
        row: WorkerCounters,
        moderation_us: int,
        cpu: int | None,
    ) -> None:
        """`cpu` is where the thread is pinned. `row` is the loop's alone to write."""
        self.public_punts, self._public_punts_in = _queue()
        self.tunnel_punts, self._tunnel_punts_in = _queue()
        self.failed: BaseException | None = None
        """What ended the loop, if it was not `stop`: its worker must end too."""
        self._wake = os.eventfd(0)
        self._cpu = cpu
        self._flows = flows
        by_family = {each.family: each.fileno() for each in publics}
        self._memory = loop.new_memory(
            flows.memory,
            np.frombuffer(row.cells, np.int64),
            [*by_family.values(), tunnel.fileno(), self._wake],
            public_ipv4=by_family.get(socket.AF_INET, loop.NO_SOCKET),
            public_ipv6=by_family.get(socket.AF_INET6, loop.NO_SOCKET),
            tunnel=tunnel.fileno(),
            public_punts=self._public_punts_in.fileno(),
            tunnel_punts=self._tunnel_punts_in.fileno(),
            moderation_us=moderation_us,
        )
        # A daemon, lest it keep alive a process whose main thread failed.
        self._thread = threading.Thread(target=self._run, name="fast path", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Return when the loop has moved on all that it received, and ended."""
        self._memory.control[0]["stop"] = 1
        os.eventfd_write(self._wake, 1)
        self._thread.join()

    def close(self) -> None:
        """Let go of the punts, after `stop`."""
        for end in (
            self.public_punts,
            self._public_punts_in,
            self.tunnel_punts,
            self._tunnel_punts_in,
        ):
            end.close()
        os.close(self._wake)

    @staticmethod
    def read_punt(punted: bytes) -> tuple[bytes, Address]:
        """A datagram from one of the punts' sockets, and the client or owner it came from."""
        return read_punt(punted)

    def set_owner_header(self, owner: Address, to: Address, header: bytes) -> None:
        """Send what is for `owner` to `to`, with this header, from now on; until then its packets
        are punted."""
        path_calls.set_owner_header(
            self._flows.memory, *key_of(owner), _bytes(name_of(to)), _bytes(header)
        )

    def forget_owner_headers(self) -> None:
        path_calls.forget_owner_headers(self._flows.memory)

    def trust_header(self, header: bytes) -> None:
        """Deliver what comes with this header, a verified one of DATA, from now on."""
        path_calls.trust_header(self._flows.memory, self._memory.downlink.trusted, _bytes(header))

    def distrust_headers(self) -> None:
        """Passages end with the headers that they are by."""
        downlink = self._memory.downlink
        path_calls.distrust_headers(self._flows.memory, downlink.trusted, downlink.passages)

    def pass_on(self, prefix: bytes, to: Address, header: bytes, *, to_owner: bool) -> None:
        """Send what begins with `prefix`, and holds DATA alone besides, on to `to` with `header`
        in its place, from now on."""
        path_calls.pass_on(
            self._flows.memory,
            self._memory.downlink.passages,
            _bytes(prefix),
            _bytes(name_of(to)),
            _bytes(header),
            to_owner,
        )

    def _run(self) -> None:
        # Python's handlers run in the main thread, which a signal must therefore wake.
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        try:
            if self._cpu is not None:
                os.sched_setaffinity(0, {self._cpu})
            loop.run(self._memory)
        except BaseException as error:  # noqa: BLE001  # Told to the main thread.
            self.failed = error
            table_calls.let_go_if_held(self._flows.memory)


def precompile() -> None:
    """Load what the fast path needs; compile it where that was not done before."""
    addresses()


def _queue() -> tuple[socket.socket, socket.socket]:
    """A queue's end to read, and its end to write; both never block."""
    ends = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    for end in ends:
        end.setblocking(False)
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, PUNT_BUFFER_BYTES)
    return ends


def _bytes(text: bytes) -> Any:
    return np.frombuffer(text, np.uint8)
