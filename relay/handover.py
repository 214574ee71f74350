"""A planned restart: what either of the two relays does, in the order of `handover_channel`."""

import contextlib
import logging
import socket
from collections.abc import Sequence
from itertools import islice

from relay.handover_channel import (
    VERSION,
    HandoverChannel,
    HandoverError,
    HandoverRefusedError,
    Offer,
    Released,
    Remembered,
    SnapshotWanted,
    TakenOver,
)
from relay.handover_listener import unix_address
from relay.sockets import Phones, Publics, RelaySockets
from relay.worker_link import Snapshot
from relay.workers import RelayWorkers

logger = logging.getLogger(__name__)


class Predecessor:
    """The relay that this one replaces, and its sockets, which are this one's to close."""

    def __init__(
        self,
        channel: HandoverChannel,
        publics: Sequence[Publics],
        tunnels: Sequence[socket.socket],
        phones: Sequence[Phones],
        admin: socket.socket,
    ) -> None:
        self.publics = publics
        self.tunnels = tunnels
        self.phones = phones
        self.admin = admin
        self._channel = channel

    async def remembered(self) -> Snapshot:
        """What its workers know by now; they go on reading. Raises HandoverError."""
        await self._channel.send(SnapshotWanted())
        answer = await self._channel.expect(Remembered)
        return Snapshot(answer.table, answer.leases)

    async def release(self) -> None:
        """Our workers are reading: returns when its have stopped, or it is gone.

        Raises HandoverRefusedError when it relays on: this relay must not.
        """
        with contextlib.suppress(HandoverError):
            await self._channel.send(TakenOver())
        try:
            # Also of one that hears nothing any more: it may have refused before.
            await self._channel.expect(Released)
        except HandoverRefusedError:
            raise
        except HandoverError as error:
            # Nobody else may be left to relay: better two readers than none.
            logger.warning("the relay before this one did not say that it stopped: %s", error)

    def close(self) -> None:
        """Say no more; before `release`, it relays on."""
        self._channel.close()


async def find_predecessor(path: str) -> Predecessor | None:
    """The relay that listens at `path`; None where none does.

    Raises HandoverError when it does not offer its sockets, OSError for a path that
    cannot be used.
    """
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.connect(unix_address(path))
    except (FileNotFoundError, ConnectionRefusedError):
        connection.close()
        return None
    except OSError:
        connection.close()
        raise
    channel = HandoverChannel(connection)
    try:
        return await _accept_offer(channel)
    except BaseException:
        channel.close()
        raise


async def _accept_offer(channel: HandoverChannel) -> Predecessor:
    offer = await channel.expect(Offer)
    if offer.version != VERSION:
        raise HandoverError(
            f"the relay to replace hands over by version {offer.version}, not {VERSION}"
        )
    per_worker = offer.publics + 1
    total = offer.workers * per_worker + 1 + sum(offer.phones)
    sockets = iter(await channel.receive_sockets(total))
    publics = [tuple(islice(sockets, offer.publics)) for _ in range(offer.workers)]
    tunnels = list(islice(sockets, offer.workers))
    admin = next(sockets)
    phones = [tuple(islice(sockets, count)) for count in offer.phones]
    return Predecessor(channel, publics, tunnels, phones, admin)


async def offer_everything(
    channel: HandoverChannel, sockets: RelaySockets, admin: socket.socket
) -> None:
    """Lend a successor all sockets, which go on being read here. Raises HandoverError."""
    workers = range(len(sockets.tunnels))
    publics = [each for index in workers for each in sockets.publics(index)]
    per_worker = len(sockets.addresses.addresses)
    if len(publics) < per_worker * len(workers):
        raise HandoverError("a worker is being restarted; try again")
    phones = [each for part in sockets.phones for each in part]
    counts = [len(part) for part in sockets.phones]
    await channel.send(Offer(VERSION, len(workers), per_worker, counts))
    await channel.send_sockets([*publics, *sockets.tunnels, admin, *phones])


async def hand_over(channel: HandoverChannel, workers: RelayWorkers) -> None:
    """Lead the successor to its take-over: when this returns, both forward.

    Raises HandoverError when it did not get so far: nothing changed here.
    """
    await channel.expect(SnapshotWanted)
    snapshot = await workers.snapshot()
    await channel.send(Remembered(snapshot.table, snapshot.leases))
    await channel.expect(TakenOver)
