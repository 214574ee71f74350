"""A small cluster of namespaces: nodes behind a load balancer, and who looks after its pods.

callers ── 203.0.113.7 load balancer ── fabric ──┬── node 1 ──┬── pod
           (and the cluster's DNS)               ├── node 2   └── pod
                                                 └── node 3
"""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from tests.e2e.namespaces import Bridge, Namespace, Network
from tests.e2e.rollout.name_server import NameServer
from tests.e2e.rollout.node import NODE_PORT, LoadBalancer, Node
from tests.e2e.rollout.pod import Pod
from tests.e2e.rollout.workload import Service, Workload

PUBLIC, PUBLIC_PORT = "203.0.113.7", 3478
API_PORT = 80
GATEWAY = "10.0.0.1"
NODES = 3
READY_S = 90.0
SETTLED_S = 0.5


@dataclass(frozen=True, slots=True)
class Delays:
    """How slowly the rest of a cluster follows its pods, in seconds."""

    endpoints_s: float = 0.5
    """From a pod's readiness to the rules of every node: the API server and kube-proxy."""
    health_check_s: float = 2.0
    """From a node's last ready pod to the load balancer's decision."""
    dns_cache_s: float = 5.0


class Cluster:
    """Runs workloads, and replaces their pods as Deployments do."""

    def __init__(
        self,
        services: Sequence[Service],
        secrets: Path,
        folder: Path,
        delays: Delays,
        *,
        nodes: int = NODES,
        modules: Mapping[str, str] | None = None,
    ) -> None:
        """`modules` are what is run of a tier, where it is another than its own."""
        self.delays = delays
        self.pods: list[Pod] = []
        """Every one that there is or was."""
        self._services = services
        self._count, self._modules = nodes, modules or {}
        self._secrets, self._folder = secrets, folder
        self._stack = contextlib.ExitStack()
        self._something = threading.Event()
        self._closing = False

    def __enter__(self) -> "Cluster":
        with contextlib.ExitStack() as stack:
            self._network = stack.enter_context(Network())
            self._build(self._network)
            dns = NameServer(self._gateway, GATEWAY, self._addresses, self.delays.dns_cache_s)
            stack.callback(dns.close)
            following = threading.Thread(target=self._follow)
            following.start()
            stack.callback(following.join)
            stack.callback(self._close)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self._stack.close()

    # Workloads.

    def running(self, workload: Workload) -> list[Pod]:
        """Its pods that are not told to end."""
        return [pod for pod in self._of(workload) if not pod.terminating]

    def deploy(self, *workloads: Workload) -> None:
        """Start them, and wait until they are ready and everybody knows."""
        started = [self.start(each) for each in workloads for _ in range(each.replicas)]
        self.wait_until(lambda: all(pod.ready for pod in started), "all are ready")
        time.sleep(self.delays.endpoints_s + self.delays.health_check_s + SETTLED_S)

    def replace(self, workload: Workload) -> list[Pod]:
        """A rolling update: new pods in the old ones' place. Gives the old, which may yet run.

        https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#rolling-update-deployment
        """
        assert workload.max_unavailable == 0
        old = self.running(workload)
        for at in range(0, len(old), workload.max_surge):
            leaving = old[at : at + workload.max_surge]
            new = [self.start(workload, beside=each) for each in leaving]
            self.wait_until(lambda new=new: all(pod.ready for pod in new), "the new are ready")
            time.sleep(workload.min_ready_s)
            for each in leaving:
                each.delete()
        return old

    def start(self, workload: Workload, *, beside: Pod | None = None) -> Pod:
        """One more pod, on the node that has the fewest of its kind; on the host's own network
        on the node of the one `beside` it."""
        name = f"{workload.tier}-{len(self.pods)}"
        busy = [pod.host.name for pod in self._of(workload)]
        node = min(self._nodes, key=lambda node: busy.count(node.namespace.name))
        if not workload.host_network:
            network, address = node.pod_network(name)
        elif beside is None:
            network, address = node.namespace, node.address
        else:
            network, address = beside.network, beside.address
        network.resolve_by(GATEWAY)
        folder = self._folder / name
        folder.mkdir()
        pod = Pod(
            name,
            workload,
            self._modules.get(workload.tier, workload.tier),
            host=network if workload.host_network else node.namespace,
            network=network,
            address=address,
            secrets=self._secrets,
            folder=folder,
            changed=self._something.set,
        )
        self.pods.append(pod)
        return pod

    def wait_until(self, holds: Callable[[], object], what: str) -> None:
        """Raises AssertionError when it takes too long, or a pod ends that should not."""
        deadline = time.monotonic() + READY_S
        while not holds():
            for pod in self.pods:
                crashed = pod.ended is not None and not pod.terminating
                assert not crashed, f"{pod.name} ended: {pod.latest_log}"
            late = "\n".join(p.latest_log for p in self.pods if not p.ready and p.ended is None)
            assert time.monotonic() < deadline, f"waited {READY_S:g} s in vain: {what}\n{late}"
            time.sleep(0.05)

    @property
    def clients(self) -> Namespace:
        """Where callers are."""
        return self._clients

    # What follows from the pods.

    def _of(self, workload: Workload) -> list[Pod]:
        return [p for p in self.pods if p.workload.name == workload.name and p.ended is None]

    def _addresses(self, service: str) -> list[str] | None:
        """Of a headless Service's pods; None where there is no such Service."""
        for each in self._services:
            if each.name == service:
                return [pod.address for pod in self._selected(each)]
        return None

    def _selected(self, service: Service) -> Iterator[Pod]:
        for pod in self.pods:
            there = pod.ended is None and (service.publishes_unready or pod.ready)
            if there and service.selects(pod.workload.labels):
                yield pod

    def _follow(self) -> None:
        """EndpointSlices, kube-proxy and the load balancer, in a thread of their own."""
        while not self._closing:
            self._something.wait()
            self._something.clear()
            time.sleep(self.delays.endpoints_s)
            relays = [pod for pod in self.pods if pod.workload.tier == "relay"]
            healthy = [node for node in self._nodes if self._proxy(node, relays)]
            self._balance_api()
            if [node.number for node in healthy] != self._healthy:
                self._healthy = [node.number for node in healthy]
                threading.Timer(self.delays.health_check_s, self._balance_media, [healthy]).start()

    def _proxy(self, node: Node, relays: Sequence[Pod]) -> bool:
        """Set a node's rules, by externalTrafficPolicy Local; whether it passes health checks."""
        local = [pod for pod in relays if pod.host is node.namespace]
        ready = sorted({pod.address for pod in local if pod.ready})
        serving = sorted({pod.address for pod in local if pod.serving})
        # https://kubernetes.io/docs/concepts/services-networking/service/#traffic-to-terminating-endpoints
        node.forward_to(ready or serving, serving, PUBLIC_PORT)
        return bool(ready)

    def _balance_media(self, healthy: Sequence[Node]) -> None:
        with self._balancing:
            if not self._closing:
                targets = [node.address for node in healthy]
                self._balancer.balance_udp(PUBLIC_PORT, targets, NODE_PORT)

    def _balance_api(self) -> None:
        transceivers = [pod for pod in self.pods if pod.workload.tier == "transceiver"]
        ready = [pod for pod in transceivers if pod.ready]
        port = ready[0].workload.port("http") if ready else 0
        with self._balancing:
            self._balancer.balance_tcp(API_PORT, [pod.address for pod in ready], port)

    # The network.

    def _build(self, network: Network) -> None:
        self._healthy: list[int] = []
        self._balancing = threading.Lock()
        self._gateway = network.namespace("gateway")
        self._gateway.forward()
        fabric = Bridge(self._gateway, "fabric", f"{GATEWAY}/24")
        self._nodes = [Node(network, fabric, number) for number in range(1, self._count + 1)]
        for node in self._nodes:
            self._gateway.ip(f"route add 10.1.{node.number}.0/24 via {node.address}")
            for other in self._nodes:
                if other is not node:
                    node.route(other)
        self._clients = network.namespace("clients")
        network.link(self._clients, "198.51.100.2/24", self._gateway, "198.51.100.1/24")
        self._clients.ip("route add default via 198.51.100.1")
        self._balancer = LoadBalancer(self._gateway, PUBLIC)

    def _close(self) -> None:
        self._closing = True
        self._something.set()
        for pod in self.pods:
            pod.kill()
