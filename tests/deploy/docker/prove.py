"""`make prove-images`: builds the images, runs deploy/compose.yaml's services of them, and talks,
by the load harness of its own image, too.

With `--gpu` the image for GPUs is built, too, which downloads gigabytes; it is not run.

Not a part of `make test`: it takes minutes. It needs root on Debian, with buildah, runc,
mmdebstrap and nftables. runc is what Docker runs containers by; Docker's part, networks and
volumes, is played: a bridge in a namespace, NAT for published ports, directories.
"""

import contextlib
import re
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from antiphon.wav import write_wav
from tests.deploy.docker.compose_file import ComposeFile, Service, in_order, read
from tests.deploy.docker.container import Container
from tests.deploy.docker.images import (
    BASE,
    PROGRAMS,
    STORE,
    Image,
    build,
    buildah,
    make_base,
)
from tests.e2e.namespaces import Bridge, Namespace, Network, why_no_namespaces
from tests.e2e.running_deployment import wait_until
from tests.e2e.speech import Speaker

HOST, CLIENT = "192.0.2.7", "192.0.2.100"
GATEWAY = "172.30.83.1/24"
PATIENCE_S = 120.0

_CALL = f"""
set -e
antiphon-loadtest run turns --target http://{HOST}:8080 --api-key-file /etc/antiphon/api.keys \
  --out /tmp/reports
ls -l /tmp/reports
python -c 'from loadtest.precompile import precompile; precompile()'
test -z "$(find /tmp -name '*.nbi')" && echo compiled: found
"""
HARNESS = Service(
    "loadtest",
    {
        "image": "antiphon/loadtest:prove",
        "build": {"dockerfile": "deploy/docker/loadtest.Dockerfile"},
        "command": ["sh", "-c", _CALL],
        "volumes": ["keys:/etc/antiphon:ro"],
    },
)
_FOUND = "import sys; from importlib.util import find_spec; sys.exit(find_spec('{}') is None)"
_REPORT = """
from urllib.request import urlopen
print(urlopen("http://127.0.0.1:8081/debug/relay").read())
"""


class Host:
    """A machine with Compose's services, and a client on the same network."""

    def __init__(self, network: Network, file: ComposeFile, images: dict[str, Image]) -> None:
        self._network = network
        self._file = file
        self._images = images
        self._volumes = Path(tempfile.mkdtemp(prefix="volumes-", dir=STORE))
        self.host, self.client = network.namespace("host"), network.namespace("client")
        network.link(self.host, f"{HOST}/24", self.client, f"{CLIENT}/24")
        self.host.forward()
        self._bridge = Bridge(self.host, "tiers", GATEWAY)
        free = (f"172.30.83.{last}" for last in range(128, 255))
        self._addresses = {
            name: each.address or next(free)
            for name, each in file.services.items()
            if each.networks
        }
        self.host.run("nft", "-f", "-", stdin=self._rules())
        self.containers: dict[str, Container] = {}

    def up(self) -> None:
        """Start all in their order. Raises AssertionError where one does not become well."""
        for service in in_order(self._file.services):
            if service.is_asked_for:
                continue
            container = self.container(service)
            began = time.monotonic()
            container.start()
            if not service.networks:
                status = container.wait(PATIENCE_S)
                assert status == 0, container.log
                continue
            wait_until(container.is_well, f"{service.name} is well", PATIENCE_S)
            print(f"{service.name}: well after {time.monotonic() - began:.1f} s")

    def container(self, service: Service, command: list[str] | None = None) -> Container:
        """Not started yet; a `command` of its own has it take no other's place."""
        name = service.name if command is None else f"{service.name}-{len(self.containers)}"
        namespace = self._network.namespace(name)
        if service.networks:
            address = self._addresses[service.name] if command is None else "172.30.83.254"
            self._bridge.join(namespace, address)
        hosts = "".join(f"{address} {name}\n" for name, address in self._addresses.items())
        image = self._images[service.image]
        made = Container(
            service, image, namespace.name, self._volumes, f"127.0.0.1 localhost\n{hosts}", command
        )
        self.containers[name] = made
        return made

    def of_client(self, service: Service) -> Container:
        """On the client's machine, with what volumes it names of the host's; not started yet."""
        image, hosts = self._images[service.image], "127.0.0.1 localhost\n"
        made = Container(service, image, self.client.name, self._volumes, hosts)
        self.containers[service.name] = made
        return made

    def end(self) -> None:
        for container in self.containers.values():
            container.end()

    def _rules(self) -> str:
        """As Docker has them for published ports, and for containers that call out."""
        rules = [
            f"{protocol} dport {host} dnat to {self._addresses[name]}:{port}"
            for name, service in self._file.services.items()
            for host, port, protocol in service.ports
        ]
        return (
            "table ip nat {\n"
            "chain in { type nat hook prerouting priority dstnat;\n"
            f"ip daddr {HOST} jump published\n}}\n"
            f"chain published {{\n{chr(10).join(rules)}\n}}\n"
            "chain out { type nat hook postrouting priority srcnat;\n"
            "ip saddr 172.30.83.0/24 ip daddr != 172.30.83.0/24 masquerade\n}\n}\n"
        )


def main() -> int:
    if (why := why_no_namespaces(*PROGRAMS)) is not None:
        print(f"prove-images: {why}", file=sys.stderr)
        return 1
    images = built()
    if "--gpu" in sys.argv[1:]:
        gpu = build("antiphon/inference:gpu", "deploy/docker/inference.Dockerfile", "gpu")
        print(f"{gpu.name}: {gpu.size / 1e6:.0f} MB")
    with Network() as network, running(network, images) as host:
        prove_confinement(host)
        prove_packages(host)
        api_key = prove_secrets(host)
        prove_calls(host.client, api_key)
        prove_harness(host)
        prove_rotation(host)
        prove_end(host)
    print("proved: built, confined, well, talking, rotating, ending")
    return 0


def built() -> dict[str, Image]:
    """Every image of deploy/compose.yaml, and the load harness's, by its name."""
    make_base()
    file = compose_file()
    images = {}
    for service in file.services.values():
        if "build" in service.text and service.image not in images:
            images[service.image] = build(service.image, service.dockerfile)
    images[HARNESS.image] = build(HARNESS.image, HARNESS.dockerfile)
    print(f"{BASE}: {buildah('images', '--format', '{{.Size}}', BASE)}")
    for image in images.values():
        print(f"{image.name}: {image.size / 1e6:.0f} MB")
    return images


def compose_file() -> ComposeFile:
    return read({"ANTIPHON_ADVERTISE": f"{HOST}:3478"})


@contextlib.contextmanager
def running(network: Network, images: dict[str, Image]) -> Iterator[Host]:
    host = Host(network, compose_file(), images)
    try:
        host.up()
        yield host
    except BaseException:
        for name, container in host.containers.items():
            print(f"--- {name}\n{container.log}", file=sys.stderr)
        raise
    finally:
        host.end()


def prove_confinement(host: Host) -> None:
    """Nobody, without rights, on files that cannot be written."""
    for name in ("relay", "inference", "transceiver"):
        container = host.containers[name]
        assert container.run("id", "-u").stdout.strip() == "65532"
        for path in ("/new", "/opt/antiphon/new", "/etc/antiphon/new", "/var/new"):
            assert container.run("touch", path).returncode != 0, path
        assert container.run("touch", "/tmp/new").returncode == 0
        status = container.run("cat", "/proc/1/status").stdout
        assert re.search(r"^CapEff:\s+0+$", status, re.MULTILINE), status
        assert re.search(r"^NoNewPrivs:\s+1$", status, re.MULTILINE), status


def prove_packages(host: Host) -> None:
    """No tier has another's; the relay finds its compiled code."""
    absent = {
        "relay": ("torch", "grpc", "aiortc", "onnxruntime", "pip"),
        "transceiver": ("torch", "numba", "onnxruntime", "pip"),
        "inference": ("torch", "numba", "aiortc", "pip"),
    }
    for name, modules in absent.items():
        for module in modules:
            found = host.containers[name].run("python", "-c", _FOUND.format(module))
            assert found.returncode == 1, f"{name} has {module}"
    # Where it would keep what it had to compile itself.
    kept = host.containers["relay"].run("find", "/tmp", "-name", "*.nbi").stdout
    assert kept == "", kept
    assert '"fast_path":true' in host.containers["relay"].run("python", "-c", _REPORT).stdout


def prove_secrets(host: Host) -> str:
    """Made once, readable by the tiers, never in a log. Gives the API key."""
    key = host.containers["transceiver"].run("cat", "/etc/antiphon/api.keys").stdout.strip()
    assert key.startswith("sk-antiphon-")
    again = host.container(
        compose_file().services["keys"], ["antiphon", "keys", "init", "/etc/antiphon"]
    )
    again.start()
    assert again.wait(PATIENCE_S) == 0, again.log
    assert again.log.count("is there already") == 2
    assert not any(key in container.log for container in host.containers.values())
    return key


def prove_calls(client: Namespace, api_key: str) -> None:
    """Through the published ports: an echo, and a question that is understood."""
    with tempfile.TemporaryDirectory() as directory:
        question = Path(directory) / "question.wav"
        write_wav(question, Speaker(Path(directory)).say("what time is it"))
        call = [sys.executable, "-m", "antiphon", "call", f"--wav={question}"]
        server = [f"--url=http://{HOST}:8080", f"--api-key={api_key}"]
        print(client.run(*call, *server, "--model=echo"))
        answer = client.run(*call, *server)
        print(answer)
        assert "caller: what time is it" in answer, answer


def prove_harness(host: Host) -> None:
    """It calls, hears answers and writes its report on a root that cannot be written, and finds
    what was compiled for it."""
    harness = host.of_client(HARNESS)
    harness.start()
    status = harness.wait(PATIENCE_S)
    print(harness.log)
    assert status == 0
    assert "compiled: found" in harness.log


def prove_rotation(host: Host) -> None:
    """Up to the wait for the longest call."""
    command = ["antiphon", "keys", "rotate", "--wait", "--settle-seconds=0"]
    rotating = host.container(compose_file().services["rotate"], command)
    rotating.start()
    wait_until(lambda: "next: remove, at" in rotating.log, "old keys only read", PATIENCE_S)
    print(rotating.log)


def prove_end(host: Host) -> None:
    """SIGTERM ends each tier well, as its first process."""
    for name in ("transceiver", "relay", "inference"):
        assert host.containers[name].stop() == 0, host.containers[name].log


if __name__ == "__main__":
    sys.exit(main())
