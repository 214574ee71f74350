"""The objects of a rendered release, by what one wants to know of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Item = dict[str, Any]

WORKLOADS = ("DaemonSet", "Deployment", "StatefulSet")
TIERS = ("relay", "transceiver", "inference")


@dataclass(frozen=True)
class Release:
    objects: list[Item]

    def of(self, *kinds: str) -> list[Item]:
        return [item for item in self.objects if item["kind"] in kinds]

    def one(self, kind: str, ending: str) -> Item:
        """The one whose name ends so."""
        found = [item for item in self.of(kind) if item["metadata"]["name"].endswith(ending)]
        assert len(found) == 1, f"{kind} {ending}: {[item['metadata']['name'] for item in found]}"
        return found[0]

    def pods(self) -> Iterator[tuple[str, Item]]:
        """Name of the workload or job, and its pod's spec."""
        for item in self.objects:
            template = pod_template(item)
            if template is not None:
                yield item["metadata"]["name"], template["spec"]

    def tier(self, name: str) -> Item:
        """The pod template of a tier."""
        found = [
            item["spec"]["template"] for item in self.of(*WORKLOADS) if component(item) == name
        ]
        assert len(found) == 1, name
        template: Item = found[0]
        return template

    def container(self, tier: str) -> Item:
        """The container that runs a tier."""
        (container,) = self.tier(tier)["spec"]["containers"]
        found: Item = container
        return found

    def names(self, kind: str) -> set[str]:
        return {item["metadata"]["name"] for item in self.of(kind)}


def component(item: Item) -> str | None:
    return (item["metadata"].get("labels") or {}).get("app.kubernetes.io/component")


def pod_template(item: Item) -> Item | None:
    if item["kind"] in (*WORKLOADS, "Job"):
        template: Item = item["spec"]["template"]
        return template
    if item["kind"] == "CronJob":
        job: Item = item["spec"]["jobTemplate"]["spec"]["template"]
        return job
    return None


def selects(selector: Item | None, labels: dict[str, str]) -> bool:
    """Whether a label selector, as in a NetworkPolicy, finds these labels; {} finds all."""
    selector = selector or {}
    wanted = selector.get("matchLabels") or {}
    expressions = selector.get("matchExpressions") or []
    return wanted.items() <= labels.items() and all(
        _holds(expression, labels) for expression in expressions
    )


def _holds(expression: Item, labels: dict[str, str]) -> bool:
    value, values = labels.get(expression["key"]), expression.get("values") or []
    return {
        "In": value in values,
        "NotIn": value not in values,
        "Exists": value is not None,
        "DoesNotExist": value is None,
    }[expression["operator"]]
