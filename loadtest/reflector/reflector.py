"""The reflector process: a tunnel's end, and the sessions that it hands out."""

import asyncio
import secrets
import signal
import time

from aiohttp import web

from antiphon_proto.cluster_keys import ClusterKeys
from antiphon_proto.ufrag import RANDOM_BYTES, Owner, UfragMinter, UfragReader
from chassis.bound_socket import bind_tcp, bind_udp, bound_address
from chassis.readiness import report_ready
from loadtest.reflected_session import Session
from loadtest.reflector.config import ReflectorConfig
from loadtest.reflector.counts import ReflectorCount
from loadtest.reflector.reflection import load_compiled, new_reflection
from loadtest.reflector.session_api import session_api
from loadtest.reflector.session_table import SessionTable
from loadtest.reflector.tunnel_end import TunnelEnd

UFRAG_LIFE_S = 48 * 3600


class Reflector:
    """Serves until SIGTERM or SIGINT."""

    def __init__(self, config: ReflectorConfig, keys: ClusterKeys) -> None:
        """Raises SettingError where an address cannot be had."""
        self._config = config
        self._tunnel = bind_udp("--tunnel", config.tunnel)
        self._http = bind_tcp("--http", config.http)
        self._address = bound_address(self._tunnel)
        self._incarnation = secrets.randbits(8)
        self._minter, self._reader = UfragMinter(keys), UfragReader(keys)
        self._reflection = new_reflection(config.max_sessions)
        self._sessions = SessionTable(self._reflection.sessions, self._credentials)
        self._end = TunnelEnd(
            self._tunnel,
            keys,
            self._reflection,
            self._sessions,
            incarnation=self._incarnation,
            relays=config.relays,
        )

    async def serve(self) -> None:
        load_compiled(self._tunnel.fileno())
        runner = web.AppRunner(self._api(), access_log=None)
        await runner.setup()
        await web.SockSite(runner, self._http).start()
        serving = asyncio.ensure_future(self._end.serve())
        for number in signal.SIGTERM, signal.SIGINT:
            asyncio.get_running_loop().add_signal_handler(number, serving.cancel)
        http, tunnel = str(bound_address(self._http)), str(self._address)
        report_ready(self._config.ready_fd, {"http": http, "tunnel": tunnel})
        try:
            await serving
        except asyncio.CancelledError:
            await runner.cleanup()

    def _api(self) -> web.Application:
        return session_api(self._config.public, self._grant, self._end.end, self._counters)

    def _grant(self, count: int) -> list[Session]:
        return self._sessions.grant(count, time.monotonic())

    def _counters(self) -> dict[str, int]:
        counted = {each.name.lower(): int(self._reflection.counts[each]) for each in ReflectorCount}
        return {**counted, "sessions": len(self._sessions), "clients_bound": self._end.bound}

    def _credentials(self) -> tuple[str, str]:
        owner = Owner(
            self._address.host,
            self._address.port,
            self._config.cluster_id,
            self._incarnation,
            int(time.time()) + UFRAG_LIFE_S,
        )
        ufrag = self._minter.mint(owner, secrets.token_bytes(RANDOM_BYTES))
        return ufrag, self._reader.password(ufrag.encode()).decode()
