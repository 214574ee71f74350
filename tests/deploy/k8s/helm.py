"""Helm 4 itself, the library, before a server that is played.

PyPI's helm-sdkpy; it asks for Python 3.12, and works with 3.11.
"""

import contextlib
import os
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.deploy.k8s import schemas
from tests.deploy.k8s.api_server import served
from tests.deploy.k8s.cluster import Cluster, Item

CHART = Path(__file__).parents[3] / "deploy/k8s"
NAMESPACE = "voice"
RELEASE = "talk"

Values = Mapping[str, Any]


class HelmError(Exception):
    """What Helm said."""


@dataclass(slots=True)
class Helm:
    """Helm at one cluster, namespace and release."""

    cluster: Cluster
    kubeconfig: str
    namespace: str = NAMESPACE
    release: str = RELEASE
    chart: Path = CHART
    notes: str = field(default="", init=False)

    async def lint(self) -> list[str]:
        """What lint has to say against the chart; mere advice is left out."""
        found = await self._do("Lint", str(self.chart))
        return [str(message) for message in found["Messages"] or () if message["Severity"] > 1]

    async def install(self, values: Values) -> list[Item]:
        return await self._released(
            "Install",
            values=values,
            server_side_apply=True,
            create_namespace=True,
        )

    async def upgrade(self, values: Values) -> list[Item]:
        return await self._released("Upgrade", values=values, reset_values=True)

    async def rollback(self, revision: int) -> list[Item]:
        """Back to a revision.

        The library names no strategy by which to wait, which Helm finds when all is applied:
        the release then waits for ever for the end of it, and can only be uninstalled.
        """
        try:
            await self._do("Rollback", self.release, revision)
        except HelmError as error:
            if "wait strategy not set" not in str(error):
                raise
        return self.objects()

    async def uninstall(self) -> None:
        await self._do("Uninstall", self.release, wait=False, timeout=120)

    def objects(self) -> list[Item]:
        """What the release consists of, without Helm's own records."""
        return [
            item
            for item in self.cluster.left()
            if item["kind"] != "Namespace" and not item.get("type", "").startswith("helm.sh/")
        ]

    async def _released(self, action: str, **options: Any) -> list[Item]:
        release = await self._do(
            action, self.release, str(self.chart), wait=False, timeout=120, **options
        )
        self.notes = (release.get("info") or {}).get("notes", "")
        return self.objects()

    async def _do(self, action: str, *arguments: Any, **options: Any) -> Any:
        import helm_sdkpy

        configuration = helm_sdkpy.Configuration(self.namespace, kubeconfig=self.kubeconfig)
        try:
            return await getattr(helm_sdkpy, action)(configuration).run(*arguments, **options)
        except helm_sdkpy.HelmError as error:
            raise HelmError(str(error)) from error


@contextlib.asynccontextmanager
async def helm_at(
    version: str, *, crds: frozenset[str] = frozenset(), chart: Path = CHART
) -> AsyncIterator[Helm]:
    """Helm at an empty cluster of Kubernetes `version`."""
    cluster = Cluster(version, crds)
    async with served(cluster) as kubeconfig:
        yield Helm(cluster, kubeconfig, chart=chart)


async def render(
    values: Values, version: str | None = None, *, crds: frozenset[str] | None = None
) -> list[Item]:
    """The chart's objects as a server of `version`, the newest by default, keeps them."""
    groups = schemas.crd_groups() if crds is None else crds
    async with helm_at(version or schemas.supported_versions()[-1], crds=groups) as helm:
        return await helm.install(values)


def why_not() -> str | None:
    """Why Helm cannot be had here; None where it can."""
    if os.uname().sysname != "Linux":
        return "helm-sdkpy's library is for Linux here"
    try:
        import helm_sdkpy
        import kubernetes_validate  # noqa: F401

        helm_sdkpy.get_version()
    except Exception as error:
        return f"no Helm: {error}"
    if not (schemas.NPM / "keda").is_dir():
        return "no schemas of CRDs: `make npm-packages` did not work"
    return None


def admitted_versions() -> list[str]:
    """The oldest Kubernetes that the chart admits, one between, and the newest."""
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    oldest = re.search(r"\d+\.\d+", chart["kubeVersion"])
    assert oldest is not None
    known = schemas.supported_versions()
    admitted = known[known.index(oldest[0]) :]
    return [admitted[0], admitted[len(admitted) // 2], admitted[-1]]
