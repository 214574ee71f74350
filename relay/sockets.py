"""The relay's UDP sockets: a worker's public ones, one a family, and its tunnel socket.

The supervisor opens them and holds on to them, so that a worker's ports stay its own
when it crashes, and can be handed to another relay.
"""

import contextlib
import socket
import struct
from collections.abc import Iterable, Sequence

from antiphon_proto.address import family_of
from chassis.bound_socket import bind_udp, bound_address, resolved
from chassis.host_port import HostPort
from chassis.settings import SettingError
from relay.phone_ports import NO_PHONES, PhonePorts
from relay.public_addresses import PublicAddresses

# https://man7.org/linux/man-pages/man7/socket.7.html; not among Python's constants.
SO_MEMINFO = 55
_MEMINFO = struct.Struct("9I")
_MEMINFO_DROPS = 8

MOST_WAITING = 100_000
"""Datagrams, more than any receive buffer holds: owners may go on sending."""

Publics = tuple[socket.socket, ...]
"""A worker's public sockets, one for each of the relay's public addresses."""

Phones = tuple[socket.socket, ...]
"""The sockets of a worker's phone ports."""


class RelaySockets:
    """Every worker's sockets. Whoever closes a worker's public ones gives them up for good:
    the kernel then spreads their clients over the others."""

    def __init__(
        self,
        addresses: PublicAddresses,
        publics: Iterable[Publics],
        tunnels: Iterable[socket.socket],
        phones: Iterable[Phones] = (),
    ) -> None:
        """`addresses` are what the public sockets are bound to. `phones` are each worker's, none
        where there are none."""
        self.addresses = addresses
        self.tunnels = tuple(tunnels)
        self.phones = tuple(phones) or ((),) * len(self.tunnels)
        self._publics = list(publics)
        self._drops_of_closed = 0

    @property
    def public(self) -> Publics:
        """The open public sockets of all workers."""
        return tuple(each for publics in self._publics for each in publics)

    @property
    def families(self) -> frozenset[int]:
        """4, 6 or both: of the public sockets."""
        return frozenset(family_of(each.host) for each in self.addresses.addresses)

    def publics(self, index: int) -> Publics:
        """Worker `index`'s public sockets; none while they are closed."""
        return self._publics[index]

    def some_publics(self, index: int) -> Publics:
        """Worker `index`'s public sockets, else another's, to send on."""
        return self._publics[index] or next(filter(None, self._publics), ())

    def open_publics(self, index: int) -> None:
        """Open worker `index`'s public sockets, if they are closed. Raises SettingError."""
        if not self._publics[index]:
            self._publics[index] = _bind_publics(self.addresses)

    def close_publics(self, index: int) -> None:
        """Give up worker `index`'s public sockets, with what waits in them."""
        self._drops_of_closed += receive_buffer_drops(self._publics[index])
        for each in self._publics[index]:
            each.close()
        self._publics[index] = ()

    def public_drops(self) -> int:
        """Datagrams from clients that found a receive buffer full."""
        return self._drops_of_closed + receive_buffer_drops(self.public)

    def tunnel_drops(self) -> int:
        """Datagrams from owners that found a receive buffer full."""
        return receive_buffer_drops(self.tunnels)

    def phone_drops(self) -> int:
        """Datagrams to phone ports that found a receive buffer full."""
        return receive_buffer_drops([each for phones in self.phones for each in phones])

    def close(self) -> None:
        for each in (*self.public, *self.tunnels, *(p for phones in self.phones for p in phones)):
            each.close()


def open_sockets(
    public: PublicAddresses, tunnel: HostPort, workers: int, phone_ports: PhonePorts = NO_PHONES
) -> RelaySockets:
    """Bind every worker's sockets. Raises SettingError naming the address that cannot be used."""
    addresses = PublicAddresses(tuple(map(_unused, public.addresses)))
    return RelaySockets(
        addresses,
        [_bind_publics(addresses) for _ in range(workers)],
        [bind_udp("--tunnel", tunnel, worker=index) for index in range(workers)],
        deal_phones([], addresses.addresses[0].host, phone_ports, workers),
    )


def adopt_sockets(
    publics: Sequence[Publics],
    tunnels: Sequence[socket.socket],
    *,
    public: PublicAddresses,
    tunnel: HostPort,
    workers: int,
    phones: Sequence[Phones] = (),
    phone_ports: PhonePorts = NO_PHONES,
) -> RelaySockets:
    """Go on with another relay's sockets, all of which this takes over.

    Surplus ones are closed. Missing tunnel and phone sockets are bound; missing public ones are
    left to `RelaySockets.open_publics`, once there is somebody to read them. Raises
    SettingError where the settings ask for other addresses than the sockets have.
    """
    had = RelaySockets(_bound(publics[0]), publics, tunnels, phones)
    try:
        _check_adopted(had, public, tunnel)
        more = [
            bind_udp("--tunnel", tunnel, worker=index) for index in range(len(tunnels), workers)
        ]
        dealt = deal_phones(phones, had.addresses.addresses[0].host, phone_ports, workers)
    except SettingError:
        had.close()
        raise
    for surplus in (*(each for part in publics[workers:] for each in part), *tunnels[workers:]):
        surplus.close()
    missing: list[Publics] = [()] * len(more)
    return RelaySockets(
        had.addresses, [*publics[:workers], *missing], [*tunnels[:workers], *more], dealt
    )


def deal_phones(had: Sequence[Phones], host: str, wanted: PhonePorts, workers: int) -> list[Phones]:
    """Each worker's phone sockets: those that it had, and what else there is or is bound, evenly.

    Closes those that are not wanted. Raises SettingError for a port that cannot be used.
    """
    ports = wanted.wanted([_port(each) for phones in had for each in phones])
    dealt: list[list[socket.socket]] = [[] for _ in range(workers)]
    loose = []
    for index, phones in enumerate(had):
        for each in phones:
            if _port(each) not in ports:
                each.close()
            elif index < workers:
                dealt[index].append(each)
            else:
                loose.append(each)
    for port in wanted.lacking(frozenset(ports)):
        loose.append(bind_udp("--phone-ports", HostPort(host, port)))
    for each in loose:
        min(dealt, key=len).append(each)
    return [tuple(phones) for phones in dealt]


def _port(bound: socket.socket) -> int:
    return bound_address(bound).port


def receive_buffer_drops(sockets: Sequence[socket.socket]) -> int:
    """Datagrams that the kernel discarded because a socket's receive buffer was full."""
    return sum(map(_drops, sockets))


def discard_waiting(tunnel: socket.socket) -> None:
    """Empty the queue of a non-blocking socket that nobody has read for a while.

    What owners sent meanwhile is late for any client. What they say of their flows they
    say again to whoever is new, and first of all they must be heard to ask.
    """
    for _ in range(MOST_WAITING):
        try:
            tunnel.recv(1)
        except BlockingIOError:
            return
        except OSError:
            continue  # Such as an ICMP error for what was sent before; reading it clears it.


def _drops(bound: socket.socket) -> int:
    packed = bound.getsockopt(socket.SOL_SOCKET, SO_MEMINFO, _MEMINFO.size)
    drops: int = _MEMINFO.unpack(packed)[_MEMINFO_DROPS]
    return drops


def _bind_publics(addresses: PublicAddresses) -> Publics:
    return tuple(bind_udp("--public", each, shared=True) for each in addresses.addresses)


def _resolved(public: PublicAddresses) -> PublicAddresses:
    """Raises SettingError."""
    try:
        return PublicAddresses(tuple(map(resolved, public.addresses)))
    except OSError as error:
        raise SettingError(f"--public {public}: {error.strerror}") from error


def _bound(publics: Publics) -> PublicAddresses:
    return PublicAddresses(tuple(map(bound_address, publics)))


def _check_adopted(had: RelaySockets, public: PublicAddresses, tunnel: HostPort) -> None:
    """Raises SettingError where the settings ask for other addresses."""
    if not _resolved(public).serves(had.addresses):
        raise SettingError(f"--public {public}: the relay to replace has {had.addresses}")
    if not _serves(tunnel, had.tunnels):
        first = bound_address(had.tunnels[0])
        raise SettingError(f"--tunnel {tunnel}: the relay to replace has {first}")


def _serves(wanted: HostPort, tunnels: Sequence[socket.socket]) -> bool:
    """Whether tunnel sockets are where the setting asks for them; port 0 asks for any."""
    return all(
        bound_address(each) == HostPort(wanted.host, wanted.port + index)
        if wanted.port
        else bound_address(each).host == wanted.host
        for index, each in enumerate(tunnels)
    )


def _unused(address: HostPort) -> HostPort:
    """The address, with a port for 0, once it proved to be nobody's.

    SO_REUSEPORT would let a second relay bind the port of the first, and
    silently take half of its clients. Binding without it fails instead.
    """
    with bind_udp("--public", address) as probe:
        return bound_address(probe)


def leave_group(public: socket.socket) -> None:
    """Have the kernel give what arrives from now on to the other sockets of the port.

    A connected socket takes part in no choice among those that share a port by SO_REUSEPORT:
    what waits in it can be read to the end, however much arrives. It is connected to itself,
    from where nothing comes.
    """
    host, port, *scope = public.getsockname()
    loopback = "127.0.0.1" if public.family == socket.AF_INET else "::1"
    with contextlib.suppress(OSError):
        public.connect((loopback if host in ("0.0.0.0", "::") else host, port, *scope))  # noqa: S104
