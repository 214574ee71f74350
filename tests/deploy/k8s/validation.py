"""What a server refuses though its schemas admit it: rules between fields, and immutable ones.

After k8s.io/kubernetes/pkg/apis/*/validation; as much of it as a chart of ours may run into.
"""

import base64
import binascii
import ipaddress
import re
from collections.abc import Callable
from typing import Any

from tests.deploy.k8s.names import (
    check_labels,
    check_port,
    check_port_name,
    check_qualified_name,
    check_service_name,
    check_subdomain,
)
from tests.deploy.k8s.pod_validation import check_pod, check_template
from tests.deploy.k8s.refused import RefusedError, refuse, refuse_repeated

__all__ = ["RefusedError", "check_object", "check_update"]

Item = dict[str, Any]

LARGEST_BYTES = 1 << 20
_FILE_KEY = re.compile(r"[-._a-zA-Z0-9]{1,253}")
_CRON_FIELD = re.compile(r"[-*/,0-9A-Za-z?]+")


def check_object(item: Item) -> None:
    """Raises RefusedError."""
    metadata = item["metadata"]
    check_subdomain("metadata.name", metadata["name"])
    check_labels("metadata.labels", metadata.get("labels"))
    for key, value in (metadata.get("annotations") or {}).items():
        check_qualified_name("metadata.annotations", key)
        if not isinstance(value, str):
            refuse(f"metadata.annotations.{key}", f"{value!r}: must be a string")
    rules = _RULES.get(item["kind"])
    if rules is not None:
        rules(item)


def check_update(old: Item, new: Item) -> None:
    """Raises RefusedError where a field changes that may not."""
    for path in _IMMUTABLE.get(new["kind"], ()):
        before, after = _at(old, path), _at(new, path)
        if before is not None and before != after:
            raise RefusedError(f"{path}: Invalid value: {after}: field is immutable")
    if old.get("immutable") and (old.get("data") != new.get("data") or not new.get("immutable")):
        raise RefusedError("data: Forbidden: field is immutable when `immutable` is set")


def _workload(item: Item) -> None:
    spec = item["spec"]
    wanted = spec["selector"].get("matchLabels") or {}
    labels = spec["template"].get("metadata", {}).get("labels") or {}
    if not wanted or not wanted.items() <= labels.items():
        refuse("spec.selector", f"{wanted}: must match the template's labels")
    check_template("spec.template", spec["template"])
    if spec["template"]["spec"].get("restartPolicy", "Always") != "Always":
        refuse("spec.template.spec.restartPolicy", "must be Always")
    if item["kind"] != "StatefulSet":
        _strategy(spec.get("strategy") or spec.get("updateStrategy") or {}, item["kind"])
    if (spec.get("replicas") or 0) < 0:
        refuse("spec.replicas", str(spec["replicas"]))


def _strategy(strategy: Item, kind: str) -> None:
    rolling = strategy.get("rollingUpdate")
    known = ("Recreate", "RollingUpdate") if kind == "Deployment" else ("OnDelete", "RollingUpdate")
    if strategy.get("type", "RollingUpdate") not in known:
        refuse("spec.strategy.type", strategy["type"])
    if rolling and strategy.get("type", "RollingUpdate") != "RollingUpdate":
        refuse("spec.strategy.rollingUpdate", "only with RollingUpdate")
    default = "25%" if kind == "Deployment" else 0
    surge = (rolling or {}).get("maxSurge", default)
    unavailable = (rolling or {}).get("maxUnavailable", default or 1)
    none = (0, "0", "0%")
    if surge in none and unavailable in none:
        refuse("spec.strategy.rollingUpdate", "maxSurge and maxUnavailable may not both be 0")
    if kind == "DaemonSet" and surge not in none and unavailable not in none:
        refuse("spec.updateStrategy.rollingUpdate", "either maxSurge or maxUnavailable must be 0")


def _job(item: Item) -> None:
    check_template("spec.template", item["spec"]["template"])
    if item["spec"]["template"]["spec"].get("restartPolicy") not in ("Never", "OnFailure"):
        refuse("spec.template.spec.restartPolicy", "must be Never or OnFailure")


def _cron_job(item: Item) -> None:
    if len(item["metadata"]["name"]) > 52:
        refuse("metadata.name", "must be no more than 52 characters")
    fields = item["spec"]["schedule"].split()
    if not item["spec"]["schedule"].startswith("@") and (
        len(fields) != 5 or not all(_CRON_FIELD.fullmatch(part) for part in fields)
    ):
        refuse("spec.schedule", item["spec"]["schedule"])
    _job(item["spec"]["jobTemplate"])


def _service(item: Item) -> None:
    check_service_name("metadata.name", item["metadata"]["name"])
    spec = item["spec"]
    ports = spec.get("ports") or []
    kind = spec.get("type", "ClusterIP")
    if not ports and spec.get("clusterIP") != "None":
        refuse("spec.ports", "required")
    if len(ports) > 1 and not all(port.get("name") for port in ports):
        refuse("spec.ports", "each of several needs a name")
    refuse_repeated("spec.ports", [port["name"] for port in ports if port.get("name")])
    refuse_repeated("spec.ports", [(port["port"], port.get("protocol", "TCP")) for port in ports])
    for port in ports:
        _service_port(port, kind)
    _service_traffic(spec, kind)


def _service_port(port: Item, kind: str) -> None:
    check_port("spec.ports.port", port["port"])
    if port.get("name"):
        check_service_name("spec.ports.name", port["name"])
    target = port.get("targetPort", port["port"])
    if isinstance(target, str):
        check_port_name("spec.ports.targetPort", target)
    else:
        check_port("spec.ports.targetPort", target)
    if port.get("nodePort"):
        if kind == "ClusterIP":
            refuse("spec.ports.nodePort", "may not be set with ClusterIP")
        check_port("spec.ports.nodePort", port["nodePort"])


def _service_traffic(spec: Item, kind: str) -> None:
    if kind not in ("ClusterIP", "NodePort", "LoadBalancer", "ExternalName"):
        refuse("spec.type", kind)
    outside = kind in ("NodePort", "LoadBalancer")
    if spec.get("externalTrafficPolicy") not in (None, "Local", "Cluster"):
        refuse("spec.externalTrafficPolicy", spec["externalTrafficPolicy"])
    if spec.get("externalTrafficPolicy") and not outside:
        refuse("spec.externalTrafficPolicy", "only for NodePort and LoadBalancer")
    if kind != "LoadBalancer":
        for key in ("loadBalancerClass", "loadBalancerIP", "allocateLoadBalancerNodePorts"):
            if spec.get(key) is not None:
                refuse(f"spec.{key}", "only for LoadBalancer")
    for network in spec.get("loadBalancerSourceRanges") or []:
        _network("spec.loadBalancerSourceRanges", network)
    if spec.get("sessionAffinity") not in (None, "None", "ClientIP"):
        refuse("spec.sessionAffinity", spec["sessionAffinity"])
    if spec.get("sessionAffinityConfig") and spec.get("sessionAffinity") != "ClientIP":
        refuse("spec.sessionAffinityConfig", "only with ClientIP")
    if outside and spec.get("clusterIP") == "None":
        refuse("spec.clusterIP", "may not be None for this type")


def _network_policy(item: Item) -> None:
    spec = item["spec"]
    for kind in spec.get("policyTypes") or []:
        if kind not in ("Ingress", "Egress"):
            refuse("spec.policyTypes", kind)
    for direction, side in (("ingress", "from"), ("egress", "to")):
        for rule in spec.get(direction) or []:
            for peer in rule.get(side) or []:
                _peer(f"spec.{direction}.{side}", peer)
            for port in rule.get("ports") or []:
                _policy_port(f"spec.{direction}.ports", port)


def _peer(field: str, peer: Item) -> None:
    if "ipBlock" in peer:
        if len(peer) > 1:
            refuse(field, "ipBlock may not be with selectors")
        _network(f"{field}.ipBlock.cidr", peer["ipBlock"]["cidr"])
        whole = ipaddress.ip_network(peer["ipBlock"]["cidr"], strict=False)
        for excepted in peer["ipBlock"].get("except") or []:
            _network(f"{field}.ipBlock.except", excepted)
            part = ipaddress.ip_network(excepted, strict=False)
            if part.version != whole.version or not part.subnet_of(whole):  # type: ignore[arg-type]
                refuse(f"{field}.ipBlock.except", f"{excepted}: must be within {whole}")
    elif not peer:
        refuse(field, "must specify a peer")


def _policy_port(field: str, port: Item) -> None:
    number = port.get("port")
    if isinstance(number, int):
        check_port(field, number)
        if "endPort" in port and port["endPort"] < number:
            refuse(f"{field}.endPort", "must not be below port")
    elif "endPort" in port:
        refuse(f"{field}.endPort", "only with a number for port")
    elif number is not None:
        check_port_name(field, number)
    if port.get("protocol", "TCP") not in ("TCP", "UDP", "SCTP"):
        refuse(f"{field}.protocol", port["protocol"])


def _disruption_budget(item: Item) -> None:
    spec = item["spec"]
    if ("minAvailable" in spec) == ("maxUnavailable" in spec):
        refuse("spec", "exactly one of minAvailable and maxUnavailable")


def _autoscaler(item: Item) -> None:
    spec = item["spec"]
    low, high = spec.get("minReplicas", 1), spec["maxReplicas"]
    if low < 1 or high < low:
        refuse("spec.maxReplicas", f"{high}: must be at least minReplicas, {low}, which must be 1")
    for metric in spec.get("metrics") or []:
        kind = metric["type"]
        source = kind[0].lower() + kind[1:]
        if set(metric) != {"type", source}:
            refuse("spec.metrics", f"{kind} needs {source} and nothing else, not {sorted(metric)}")


def _secret(item: Item) -> None:
    data = item.get("data") or {}
    for key, value in data.items():
        try:
            base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            refuse(f"data.{key}", "not base64")
    _files("data", data, item.get("stringData") or {})
    if item.get("type") == "kubernetes.io/tls":
        for key in ("tls.crt", "tls.key"):
            if key not in data and key not in (item.get("stringData") or {}):
                refuse(f"data.{key}", "required")


def _config_map(item: Item) -> None:
    _files("data", item.get("data") or {}, item.get("binaryData") or {})


def _files(field: str, *tables: Item) -> None:
    for key in (key for table in tables for key in table):
        if not _FILE_KEY.fullmatch(key):
            refuse(field, f"{key!r}: not a valid key")
    if sum(len(value or "") for table in tables for value in table.values()) > LARGEST_BYTES:
        refuse(field, f"must not be larger than {LARGEST_BYTES} bytes")


def _priority_class(item: Item) -> None:
    if item["metadata"]["name"].startswith("system-") or item["value"] > 1_000_000_000:
        refuse("value", "reserved for the system")


def _network(field: str, text: str) -> None:
    address, _, length = text.partition("/")
    try:
        ipaddress.ip_network(f"{address}/{length}", strict=False)
    except ValueError:
        refuse(field, f"{text!r}: not a network in CIDR notation")


def _at(item: Item, path: str) -> Any:
    value: Any = item
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


_RULES: dict[str, Callable[[Item], None]] = {
    "ConfigMap": _config_map,
    "CronJob": _cron_job,
    "DaemonSet": _workload,
    "Deployment": _workload,
    "HorizontalPodAutoscaler": _autoscaler,
    "Job": _job,
    "NetworkPolicy": _network_policy,
    "Pod": lambda item: check_pod("spec", item["spec"]),
    "PodDisruptionBudget": _disruption_budget,
    "PriorityClass": _priority_class,
    "Secret": _secret,
    "Service": _service,
    "StatefulSet": _workload,
}
_IMMUTABLE = {
    "DaemonSet": ("spec.selector",),
    "Deployment": ("spec.selector",),
    "Job": ("spec.selector", "spec.template"),
    "PriorityClass": ("value", "preemptionPolicy"),
    "RoleBinding": ("roleRef",),
    "ClusterRoleBinding": ("roleRef",),
    "Secret": ("type",),
    "Service": ("spec.clusterIP",),
    "StatefulSet": ("spec.selector", "spec.serviceName", "spec.podManagementPolicy"),
}
