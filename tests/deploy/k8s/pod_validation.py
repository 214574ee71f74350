"""What a server refuses of a pod that its schema admits."""

from typing import Any

from tests.deploy.k8s.names import (
    check_label,
    check_labels,
    check_port,
    check_port_name,
    check_qualified_name,
    quantity,
)
from tests.deploy.k8s.refused import refuse, refuse_repeated

Item = dict[str, Any]

HANDLERS = ("exec", "grpc", "httpGet", "tcpSocket", "sleep")
ENV_SOURCES = ("configMapKeyRef", "fieldRef", "resourceFieldRef", "secretKeyRef")
NEED_WHOLE_NUMBERS = ("nvidia.com/", "amd.com/")


def check_template(field: str, template: Item) -> None:
    check_labels(f"{field}.metadata.labels", template.get("metadata", {}).get("labels"))
    check_pod(f"{field}.spec", template["spec"])


def check_pod(field: str, pod: Item) -> None:
    volumes = pod.get("volumes") or []
    refuse_repeated(f"{field}.volumes", [volume["name"] for volume in volumes])
    for volume in volumes:
        check_label(f"{field}.volumes", volume["name"])
        if len(volume) > 2:
            refuse(f"{field}.volumes.{volume['name']}", "may not have more than one source")
    containers = pod["containers"] + (pod.get("initContainers") or [])
    refuse_repeated(f"{field}.containers", [container["name"] for container in containers])
    for container in containers:
        _check_container(f"{field}.containers.{container['name']}", container, pod)
    _check_spread(field, pod)


def _check_container(field: str, container: Item, pod: Item) -> None:
    check_label(field, container["name"])
    if not container.get("image") or container["image"] != container["image"].strip():
        refuse(f"{field}.image", f"{container.get('image')!r}: required, without spaces around it")
    if container.get("imagePullPolicy") not in (None, "Always", "IfNotPresent", "Never"):
        refuse(f"{field}.imagePullPolicy", container["imagePullPolicy"])
    _check_ports(f"{field}.ports", container.get("ports") or [], pod)
    _check_environment(f"{field}.env", container.get("env") or [])
    _check_mounts(f"{field}.volumeMounts", container.get("volumeMounts") or [], pod)
    _check_resources(f"{field}.resources", container.get("resources") or {})
    for name in ("livenessProbe", "readinessProbe", "startupProbe"):
        if name in container:
            _check_probe(f"{field}.{name}", name, container)
    for name, hook in (container.get("lifecycle") or {}).items():
        if name in ("postStart", "preStop"):
            _check_handler(f"{field}.lifecycle.{name}", hook, container)


def _check_ports(field: str, ports: list[Item], pod: Item) -> None:
    protocols = [port.get("protocol", "TCP") for port in ports]
    refuse_repeated(field, [port["name"] for port in ports if "name" in port])
    refuse_repeated(
        field,
        [
            (port["containerPort"], protocol)
            for port, protocol in zip(ports, protocols, strict=True)
        ],
    )
    for port, protocol in zip(ports, protocols, strict=True):
        check_port(field, port["containerPort"])
        if "name" in port:
            check_port_name(field, port["name"])
        if protocol not in ("TCP", "UDP", "SCTP"):
            refuse(f"{field}.protocol", protocol)
        if (
            pod.get("hostNetwork")
            and port.get("hostPort", port["containerPort"]) != port["containerPort"]
        ):
            refuse(f"{field}.hostPort", "must match containerPort when hostNetwork is set")


def _check_environment(field: str, variables: list[Item]) -> None:
    refuse_repeated(field, [variable["name"] for variable in variables])
    for variable in variables:
        source = variable.get("valueFrom")
        if source is not None and variable.get("value"):
            refuse(f"{field}.{variable['name']}", "may not have both value and valueFrom")
        if source is not None and sum(key in source for key in ENV_SOURCES) != 1:
            refuse(f"{field}.{variable['name']}.valueFrom", "must have exactly one source")


def _check_mounts(field: str, mounts: list[Item], pod: Item) -> None:
    volumes = {volume["name"] for volume in pod.get("volumes") or []}
    refuse_repeated(field, [mount["mountPath"] for mount in mounts])
    for mount in mounts:
        if mount["name"] not in volumes:
            refuse(field, f"{mount['name']!r}: no such volume")


def _check_resources(field: str, resources: Item) -> None:
    limits = {
        name: quantity(f"{field}.limits.{name}", amount)
        for name, amount in (resources.get("limits") or {}).items()
    }
    for name, amount in (resources.get("requests") or {}).items():
        asked = quantity(f"{field}.requests.{name}", amount)
        if name in limits and asked > limits[name]:
            refuse(f"{field}.requests.{name}", f"{amount}: must not exceed the limit")
    for name, amount in limits.items():
        check_qualified_name(f"{field}.limits", name)
        if name.startswith(NEED_WHOLE_NUMBERS) and amount != int(amount):
            refuse(f"{field}.limits.{name}", f"{amount}: must be an integer")


def _check_probe(field: str, name: str, container: Item) -> None:
    probe = container[name]
    _check_handler(field, probe, container)
    if name != "readinessProbe" and probe.get("successThreshold", 1) != 1:
        refuse(f"{field}.successThreshold", "must be 1")
    for key in ("periodSeconds", "timeoutSeconds", "failureThreshold"):
        if probe.get(key, 1) < 1:
            refuse(f"{field}.{key}", f"{probe[key]}: must be above 0")


def _check_handler(field: str, handler: Item, container: Item) -> None:
    kinds = [kind for kind in HANDLERS if kind in handler]
    if len(kinds) != 1:
        refuse(field, f"must have exactly one handler, not {kinds}")
    port = handler[kinds[0]].get("port")
    if kinds[0] in ("httpGet", "tcpSocket") and isinstance(port, str):
        named = {entry.get("name") for entry in container.get("ports") or []}
        if port not in named:
            refuse(f"{field}.{kinds[0]}.port", f"{port!r}: no such port of the container")


def _check_spread(field: str, pod: Item) -> None:
    rules = pod.get("topologySpreadConstraints") or []
    refuse_repeated(
        f"{field}.topologySpreadConstraints",
        [(rule["topologyKey"], rule["whenUnsatisfiable"]) for rule in rules],
    )
    for rule in rules:
        if rule["maxSkew"] < 1 or rule["whenUnsatisfiable"] not in (
            "DoNotSchedule",
            "ScheduleAnyway",
        ):
            refuse(f"{field}.topologySpreadConstraints", str(rule))
    seconds = pod.get("terminationGracePeriodSeconds", 30)
    if seconds < 0:
        refuse(f"{field}.terminationGracePeriodSeconds", str(seconds))
