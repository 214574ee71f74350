"""Two clusters with a long cable between them, and callers' networks behind the second one."""

import contextlib
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import aiohttp

from antiphon_proto.cluster_keys import ClusterKeys
from tests.e2e.namespaces import Namespace, Network, why_no_namespaces
from tests.e2e.regions.delay_line import DEVICE, open_end
from tests.e2e.regions.region import Region, Secrets, stopping

CABLE_MS = 40
"""One way."""
TRAVELLER, NEIGHBOUR, OUTSIDER = "10.71.3.2", "10.71.4.2", "10.71.5.2"
ZONES = """\
[clusters]
1.api = "http://10.71.1.1:8080"
2.api = "http://10.71.2.1:8080"

[zones.travellers]                  # whose data stays in the first cluster
clusters = [1]
relay = "10.71.2.1:3478"
networks = ["10.71.3.0/24"]

[zones.neighbours]
clusters = [2, 1]
relay = "10.71.2.1:3478"
networks = ["10.71.4.0/24"]

[zones.outsiders]                   # who go all the way themselves
clusters = [1]
networks = ["10.71.5.0/24"]
"""


def why_no_regions() -> str | None:
    """Why there can be none on this machine; None where there can."""
    if not Path("/dev/net/tun").exists():
        return "no /dev/net/tun"
    return why_no_namespaces("sysctl")


class World:
    """The first region, the cable, the second one, and two callers' networks behind it."""

    def __init__(self, network: Network, folder: Path, log: int) -> None:
        self._secrets = Secrets(folder / "cluster.keys", folder / "api.keys")
        self._secrets.cluster_keys.write_text(ClusterKeys.generate(secrets.token_bytes(32)))
        self.api_key = f"sk-{secrets.token_urlsafe(24)}"
        self._secrets.api_keys.write_text(self.api_key)
        self._zones = folder / "zones.toml"
        self._zones.write_text(ZONES)
        self.first = Region(network.namespace("first"), 1, self._secrets, log)
        self.second = Region(network.namespace("second"), 2, self._secrets, log)
        self._lay_cable()
        self.traveller = self._caller(network, "traveller", TRAVELLER)
        self.neighbour = self._caller(network, "neighbour", NEIGHBOUR)
        self.outsider = self._caller(network, "outsider", OUTSIDER)

    def start(self) -> None:
        for region in (self.first, self.second):
            region.start(self._zones)
        for region in (self.first, self.second):
            region.wait_until_ready()

    def api(self) -> aiohttp.ClientSession:
        """To the first cluster."""
        headers = {"Authorization": f"Bearer {self.api_key}"}
        return aiohttp.ClientSession(self.first.url, headers=headers)

    def stop_cable(self) -> None:
        self._cable.kill()
        self._cable.wait()

    def _lay_cable(self) -> None:
        ends = [
            open_end(self.first.namespace, "10.71.0.1", "10.71.0.2"),
            open_end(self.second.namespace, "10.71.0.2", "10.71.0.1"),
        ]
        command = [sys.executable, "-m", "tests.e2e.regions.delay_line"]
        self._cable = subprocess.Popen([*command, *map(str, ends), str(CABLE_MS)], pass_fds=ends)
        for end in ends:
            os.close(end)
        self.first.namespace.ip(f"route add default dev {DEVICE} src {self.first.host}")
        self.second.namespace.ip(f"route add 10.71.1.0/24 dev {DEVICE} src {self.second.host}")
        self.second.namespace.forward()

    def _caller(self, network: Network, name: str, address: str) -> Namespace:
        caller = network.namespace(name)
        gateway = address.removesuffix("2") + "1"
        network.link(caller, f"{address}/24", self.second.namespace, f"{gateway}/24")
        caller.ip(f"route add default via {gateway}")
        return caller


@contextlib.contextmanager
def two_regions(folder: Path) -> Iterator[World]:
    """Both are ready; what their processes said goes to stderr at the end."""
    with (folder / "log").open("w+") as log, Network() as network:
        world = World(network, folder, log.fileno())
        with stopping(world.first, world.second):
            try:
                world.start()
                yield world
            finally:
                world.stop_cable()
                log.seek(0)
                print(log.read(), file=sys.stderr)
