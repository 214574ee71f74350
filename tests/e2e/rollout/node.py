"""A node: pods' network, and what kube-proxy does for the relays' Service there."""

from collections.abc import Sequence

from tests.e2e.namespaces import Bridge, Namespace, Network

NODE_PORT = 30478


class Node:
    """One of several, `number` 1 and up, on a fabric that joins them."""

    def __init__(self, network: Network, fabric: Bridge, number: int) -> None:
        self.number = number
        self.address = f"10.0.0.{10 + number}"
        self.namespace = network.namespace(f"node{number}")
        self.namespace.forward()
        fabric.join(self.namespace, self.address)
        self._network = network
        self._pods = Bridge(self.namespace, "cni0", f"10.1.{number}.1/24")
        self._addresses = 1
        self._sent_to: set[str] = set()
        self.namespace.run("nft", "-f", "-", stdin=_tables(number))

    def route(self, other: "Node") -> None:
        """Know where the pods of another node are."""
        self.namespace.ip(f"route add 10.1.{other.number}.0/24 via {other.address}")

    def pod_network(self, name: str) -> tuple[Namespace, str]:
        """A new pod's network, and its address."""
        self._addresses += 1
        address = f"10.1.{self.number}.{self._addresses}"
        namespace = self._network.namespace(name)
        self._pods.join(namespace, address)
        return namespace, address

    def forward_to(self, endpoints: Sequence[str], serving: Sequence[str], port: int) -> None:
        """Share new flows out among `endpoints`; flows stay with those that are `serving`.

        In kube-proxy's order: rules, then the connection tracking of UDP,
        https://github.com/kubernetes/kubernetes/blob/master/pkg/proxy/conntrack/cleanup.go
        """
        rule = f"udp dport {NODE_PORT} {_shared_out(endpoints, port)}"
        self.namespace.run("nft", "-f", "-", stdin=_only_rule("kube services", rule))
        self._sent_to |= set(endpoints)
        for gone in self._sent_to - set(serving):
            delete_flows(self.namespace, f"--orig-port-dst={NODE_PORT}", f"--reply-src={gone}")
        self._sent_to &= set(serving)


class LoadBalancer:
    """In front of the nodes, as of a cloud: it keeps addresses and ports of who sends.

    What it has begun to send to a node goes there as long as the node passes health checks.
    """

    def __init__(self, host: Namespace, address: str) -> None:
        self._host = host
        self._address = address
        self._sent_to: set[str] = set()
        host.run("nft", "-f", "-", stdin=_balancer_tables())

    def balance_udp(self, port: int, targets: Sequence[str], target_port: int) -> None:
        """Send what comes to `port` to the targets, by hash of its source."""
        chosen = f"jhash ip saddr . udp sport mod {len(targets)}"
        rule = (
            f"ip daddr {self._address} udp dport {port} "
            f"{_mapped(chosen, targets, target_port) if targets else 'drop'}"
        )
        self._host.run("nft", "-f", "-", stdin=_only_rule("lb media", rule))
        for gone in self._sent_to - set(targets):
            delete_flows(self._host, f"--orig-port-dst={port}", f"--reply-src={gone}")
        self._sent_to = set(targets)

    def balance_tcp(self, port: int, targets: Sequence[str], target_port: int) -> None:
        """Share connections out in turn: callers that keep a few come to every target."""
        rule = f"ip daddr {self._address} tcp dport {port} {_shared_out(targets, target_port)}"
        self._host.run("nft", "-f", "-", stdin=_only_rule("lb api", rule))


def delete_flows(host: Namespace, *which: str) -> None:
    """Forget connection tracking's entries for UDP that match."""
    # It fails where there is none.
    host.run("sh", "-c", 'conntrack -D -p udp "$@" 2>/dev/null || true', "sh", *which)


def _shared_out(targets: Sequence[str], port: int) -> str:
    return _mapped(f"numgen inc mod {len(targets)}", targets, port) if targets else "drop"


def _mapped(chosen: str, targets: Sequence[str], port: int) -> str:
    entries = ", ".join(f"{index} : {each} . {port}" for index, each in enumerate(targets))
    return f"dnat ip addr . port to {chosen} map {{ {entries} }}"


def _only_rule(chain: str, rule: str) -> str:
    return f"flush chain ip {chain}\nadd rule ip {chain} {rule}\n"


def _tables(number: int) -> str:
    return f"""
    table ip kube {{
      chain services {{ type nat hook prerouting priority dstnat; }}
      chain leaving {{
        type nat hook postrouting priority srcnat;
        ip saddr 10.1.{number}.0/24 ip daddr != 10.0.0.0/8 masquerade
      }}
    }}
    """


def _balancer_tables() -> str:
    return """
    table ip lb {
      chain media { type nat hook prerouting priority dstnat; }
      chain api { type nat hook prerouting priority dstnat; }
      # What a node sends of a flow that is no longer its own leads nowhere.
      chain strays {
        type filter hook forward priority filter;
        iifname "fabric" oifname != "fabric" ct state new drop
      }
    }
    """
