"""Where a relay waits for the one that shall replace it, and hands over to it."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Awaitable, Callable

from chassis.settings import SettingError
from relay.handover import hand_over, offer_everything
from relay.handover_channel import HandoverChannel, HandoverError, Released
from relay.handover_listener import HandoverListener, listen_for_successors
from relay.sockets import RelaySockets
from relay.workers import RelayWorkers

logger = logging.getLogger(__name__)


class Successors:
    """Of one relay: the first one that takes over is the last."""

    def __init__(
        self,
        place: str | None,
        workers: RelayWorkers,
        sockets: RelaySockets,
        admin: socket.socket,
        stop_admin: Callable[[], Awaitable[None]],
    ) -> None:
        """`place` is `--handover`; without it none can find this relay. `stop_admin` has the
        admin port served no more."""
        self._place = place
        self._workers = workers
        self._sockets = sockets
        self._admin = admin
        self._stop_admin = stop_admin
        self._listener: HandoverListener | None = None

    async def listen(self) -> None:
        """Raises SettingError."""
        if self._place is None:
            return
        try:
            self._listener = await listen_for_successors(self._place)
        except OSError as error:
            raise SettingError(f"--handover {self._place}: {error.strerror}") from error

    async def serve(self) -> None:
        """Returns when one has taken over; never where none can find this relay."""
        if self._listener is None:
            await asyncio.Event().wait()
            return
        with contextlib.closing(self._listener):
            while not await self._hand_over(await self._listener.accept()):
                pass

    async def _hand_over(self, connection: socket.socket) -> bool:
        """Whether the successor has taken over."""
        try:
            channel = HandoverChannel(connection)
        except HandoverError as error:
            logger.warning("no hand-over: %s", error)
            return False
        self._workers.lends_sockets = True
        try:
            await offer_everything(channel, self._sockets, self._admin)
            logger.info("handing over")
            await hand_over(channel, self._workers)
        except HandoverError as error:
            logger.warning("no hand-over: %s; relaying on", error)
            await channel.refuse(str(error))
            return False
        else:
            await self._let_go(channel)
            return True
        finally:
            self._workers.lends_sockets = False
            channel.close()

    async def _let_go(self, channel: HandoverChannel) -> None:
        """The successor is reading: leave it the field."""
        await self._stop_admin()
        # The workers hold the last descriptors, and close them once they have read enough.
        self._sockets.close()
        await self._workers.stop_reading()
        with contextlib.suppress(HandoverError):
            await channel.send(Released())
        logger.info("handed over")
