"""A worker process as its parent sees it: started, spoken to, and started again when it dies."""

import asyncio
import contextlib
import logging
import sys
from collections.abc import Callable, MutableMapping, Sequence
from enum import Enum
from typing import Any, Protocol

from inference.engines.cascade.worker_messages import (
    Kind,
    WorkerMessage,
    WorkerMessageReader,
)

logger = logging.getLogger(__name__)

START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 0.5
FIRST_BACKOFF_S, LAST_BACKOFF_S = 0.1, 5.0
STABLE_AFTER_S = 10.0
READ_BYTES = 1 << 16
MAX_UNSENT_BYTES = 4 << 20
"""A worker that lets so much pile up is stuck."""


class WorkerLostError(Exception):
    """The worker is not running, or died over the job."""


class CountsRestarts(Protocol):
    @property
    def restarts(self) -> MutableMapping[Any, int]:
        """How often a worker was started again, by its kind."""


class WorkerProcess:
    """Runs `python -m MODULE ARGUMENTS` until `close`.

    The worker ends by itself when its standard input closes, so also when this
    process is killed.
    """

    def __init__(
        self,
        kind: Enum,
        module: str,
        arguments: Sequence[str],
        counters: CountsRestarts,
        *,
        on_message: Callable[[WorkerMessage], None],
        on_lost: Callable[[], None],
        start_timeout_s: float = START_TIMEOUT_S,
    ) -> None:
        """`on_lost` is called when the worker died: no job that it held will be answered."""
        self._start_timeout_s = start_timeout_s
        self._kind = kind
        isolation = ("-P",) if sys.flags.safe_path else ()
        self._command = (sys.executable, *isolation, "-m", module, *arguments)
        self._counters = counters
        self._on_message = on_message
        self._on_lost = on_lost
        self._process: asyncio.subprocess.Process | None = None
        self._ready = asyncio.Event()
        self._ever_ready = False
        self._failure = ""
        self._supervision: asyncio.Task[None] | None = None
        self._heard_at = 0.0

    @property
    def ready(self) -> bool:
        return self._ready.is_set()

    @property
    def process_id(self) -> int | None:
        return None if self._process is None else self._process.pid

    @property
    def silent_s(self) -> float:
        """Seconds since the worker last said anything: a busy one is not a stuck one."""
        return asyncio.get_running_loop().time() - self._heard_at

    async def start(self) -> None:
        """Return when the worker takes work. Raises OSError when it ends instead."""
        self._supervision = asyncio.create_task(self._supervise())
        ready = asyncio.create_task(self._ready.wait())
        await asyncio.wait(
            (ready, self._supervision),
            timeout=self._start_timeout_s,
            return_when=asyncio.FIRST_COMPLETED,
        )
        if not ready.done():
            ready.cancel()
            await self.close()
            reason = f": {self._failure}" if self._failure else ""
            raise OSError(f"the {self._kind.value} process did not start{reason}")

    def send(self, message: WorkerMessage) -> None:
        """Queue a message. Raises WorkerLostError when nobody would read it."""
        process = self._process
        if process is None or process.stdin is None or not self.ready:
            raise WorkerLostError(f"the {self._kind.value} process is not running")
        process.stdin.write(message.encode())
        if process.stdin.transport.get_write_buffer_size() > MAX_UNSENT_BYTES:
            self.kill()
            raise WorkerLostError(f"the {self._kind.value} process is stuck")

    def kill(self) -> None:
        """End a worker that does not answer; another one is started."""
        self._ready.clear()
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    async def close(self) -> None:
        """End the worker for good."""
        if self._supervision is not None:
            self._supervision.cancel()
            await asyncio.wait((self._supervision,))
        if self._process is not None:
            await _end(self._process)

    async def _supervise(self) -> None:
        """Run one worker after the other; end when the first cannot even start."""
        loop = asyncio.get_running_loop()
        backoff_s = FIRST_BACKOFF_S
        while True:
            started = loop.time()
            try:
                await self._run()
            except OSError as error:
                logger.warning("the %s process cannot be started: %s", self._kind.value, error)
            self._ready.clear()
            self._on_lost()
            if not self._ever_ready:
                return
            self._counters.restarts[self._kind] += 1
            if loop.time() - started > STABLE_AFTER_S:
                backoff_s = FIRST_BACKOFF_S
            logger.warning("the %s process ended; starting another", self._kind.value)
            await asyncio.sleep(backoff_s)
            backoff_s = min(2 * backoff_s, LAST_BACKOFF_S)

    async def _run(self) -> None:
        """Run a worker until it ends, passing on what it says."""
        self._process = process = await asyncio.create_subprocess_exec(
            *self._command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        assert process.stdout is not None
        reader = WorkerMessageReader()
        try:
            while data := await process.stdout.read(READ_BYTES):
                self._heard_at = asyncio.get_running_loop().time()
                for message in reader.feed(data):
                    self._receive(message)
        except Exception:
            logger.exception("the %s process wrote what cannot be read", self._kind.value)
            self.kill()
        await process.wait()

    def _receive(self, message: WorkerMessage) -> None:
        if message.kind is Kind.READY:
            self._ready.set()
            self._ever_ready = True
        elif message.kind is Kind.FAILED:
            self._failure = message.payload.decode("utf-8", "replace")
            if self._ever_ready:
                logger.warning("the %s process cannot start: %s", self._kind.value, self._failure)
        else:
            self._on_message(message)


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.stdin is not None:
        process.stdin.close()
    try:
        async with asyncio.timeout(STOP_TIMEOUT_S):
            await process.wait()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
