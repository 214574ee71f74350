"""What Kubernetes is told to run, as far as a rehearsal goes by it: read from its objects."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Object = Mapping[str, Any]

_REFERENCE = re.compile(r"\$\((\w+)\)")


@dataclass(frozen=True, slots=True)
class Probe:
    """Of a container: by HTTP, or by a program."""

    path: str
    port: int
    command: tuple[str, ...]
    period_s: float
    timeout_s: float
    failures: int

    @classmethod
    def of(cls, container: Object, kind: str) -> "Probe":
        probe = container[kind]
        http = probe.get("httpGet", {})
        return cls(
            http.get("path", ""),
            _port(container, http.get("port", 0)),
            tuple(probe.get("exec", {}).get("command", ())),
            float(probe.get("periodSeconds", 10)),
            float(probe.get("timeoutSeconds", 1)),
            int(probe.get("failureThreshold", 3)),
        )


@dataclass(frozen=True, slots=True)
class Workload:
    """A Deployment's or DaemonSet's pods, and how they are replaced."""

    name: str
    labels: Mapping[str, str]
    """Of its pods."""
    tier: str
    """The image's: relay, transceiver, inference."""
    container: Object
    replicas: int
    max_surge: int
    max_unavailable: int
    min_ready_s: float
    grace_s: float
    pre_stop_s: float
    startup: Probe
    readiness: Probe
    host_network: bool
    mounts: Mapping[str, str]
    """Path in the container -> kind of volume: secret, emptyDir, configMap."""

    @classmethod
    def of(cls, workload: Object) -> "Workload":
        spec, pod = workload["spec"], workload["spec"]["template"]["spec"]
        [container] = pod["containers"]
        rolling = (spec.get("strategy") or spec["updateStrategy"])["rollingUpdate"]
        replicas = int(spec.get("replicas", 1))
        kinds = {each["name"]: _kind(each) for each in pod.get("volumes", ())}
        return cls(
            name=workload["metadata"]["name"],
            labels=spec["template"]["metadata"]["labels"],
            tier=workload["metadata"]["labels"]["app.kubernetes.io/component"],
            container=container,
            replicas=replicas,
            max_surge=_part(rolling["maxSurge"], replicas),
            max_unavailable=_part(rolling["maxUnavailable"], replicas),
            min_ready_s=float(spec.get("minReadySeconds", 0)),
            grace_s=float(pod["terminationGracePeriodSeconds"]),
            pre_stop_s=_pre_stop_s(container),
            startup=Probe.of(container, "startupProbe"),
            readiness=Probe.of(container, "readinessProbe"),
            host_network=bool(pod.get("hostNetwork")),
            mounts={each["mountPath"]: kinds[each["name"]] for each in container["volumeMounts"]},
        )

    def variables(self, fields: Mapping[str, str]) -> dict[str, str]:
        """Of the container's environment; `fields` are the pod's own, by fieldPath.

        https://kubernetes.io/docs/tasks/inject-data-application/define-interdependent-environment-variables/
        """
        variables: dict[str, str] = {}
        for each in self.container["env"]:
            field = each.get("valueFrom", {}).get("fieldRef", {}).get("fieldPath")
            text = fields[field] if field else each["value"]
            variables[each["name"]] = _REFERENCE.sub(
                lambda reference: variables.get(reference[1], reference[0]), text
            )
        return variables

    def port(self, name: str) -> int:
        return _port(self.container, name)


@dataclass(frozen=True, slots=True)
class Service:
    """Which pods a name stands for."""

    name: str
    selector: Mapping[str, str]
    publishes_unready: bool

    @classmethod
    def of(cls, service: Object) -> "Service":
        spec = service["spec"]
        return cls(
            service["metadata"]["name"],
            spec["selector"],
            bool(spec.get("publishNotReadyAddresses")),
        )

    def selects(self, labels: Mapping[str, str]) -> bool:
        return self.selector.items() <= labels.items()


def workloads(objects: Sequence[Object]) -> dict[str, Workload]:
    """By tier."""
    made = [Workload.of(each) for each in objects if each["kind"] in ("Deployment", "DaemonSet")]
    return {each.tier: each for each in made}


def services(objects: Sequence[Object]) -> list[Service]:
    return [Service.of(each) for each in objects if each["kind"] == "Service"]


def _port(container: Object, port: str | int) -> int:
    if isinstance(port, int):
        return port
    ports = container.get("ports", ())
    return next(int(each["containerPort"]) for each in ports if each.get("name") == port)


def _part(count: int | str, replicas: int) -> int:
    """A number of pods, or a percentage of them, rounded up."""
    if isinstance(count, int):
        return count
    return math.ceil(replicas * int(count.removesuffix("%")) / 100)


def _kind(volume: Object) -> str:
    return next(key for key in volume if key != "name")


def _pre_stop_s(container: Object) -> float:
    hook = container.get("lifecycle", {}).get("preStop")
    if hook is None:
        return 0.0
    if "sleep" in hook:
        return float(hook["sleep"]["seconds"])
    program, seconds = hook["exec"]["command"]
    assert program == "sleep"
    return float(seconds)
