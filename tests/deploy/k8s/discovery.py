"""What a server of one version says it serves: /version, /api, /apis, /openapi and what is below.

Source: https://kubernetes.io/docs/concepts/overview/kubernetes-api/#discovery-api, unaggregated.
OpenAPI is as short as it can be while Helm still asks for objects to be checked strictly.
"""

from typing import Any

from tests.deploy.k8s import schemas

NAMESPACED = {
    "v1": ("ConfigMap", "Event", "Pod", "Secret", "Service", "ServiceAccount"),
    "apps/v1": ("DaemonSet", "Deployment", "StatefulSet"),
    "apps/v1beta1": ("Deployment",),
    "autoscaling/v1": ("HorizontalPodAutoscaler",),
    "autoscaling/v2": ("HorizontalPodAutoscaler",),
    "autoscaling/v2beta2": ("HorizontalPodAutoscaler",),
    "batch/v1": ("CronJob", "Job"),
    "batch/v1beta1": ("CronJob",),
    "networking.k8s.io/v1": ("Ingress", "NetworkPolicy"),
    "policy/v1": ("PodDisruptionBudget",),
    "policy/v1beta1": ("PodDisruptionBudget",),
    "rbac.authorization.k8s.io/v1": ("Role", "RoleBinding"),
}
CLUSTER_WIDE = {
    "v1": ("Namespace",),
    "scheduling.k8s.io/v1": ("PriorityClass",),
    "rbac.authorization.k8s.io/v1": ("ClusterRole", "ClusterRoleBinding"),
}
VERBS = ["create", "delete", "get", "list", "patch", "update", "watch"]


class Discovery:
    def __init__(self, version: str, crd_groups: frozenset[str]) -> None:
        self._version = version
        self._kinds: dict[str, dict[str, tuple[str, bool]]] = {}
        for table, namespaced in ((NAMESPACED, True), (CLUSTER_WIDE, False)):
            for api_version, kinds in table.items():
                for kind in kinds:
                    if schemas.has_kind(version, api_version, kind):
                        self._add(api_version, kind, namespaced=namespaced)
        for api_version, kind in schemas.CRD_FILES:
            if api_version.split("/")[0] in crd_groups:
                self._add(api_version, kind, namespaced=True)

    def pretend_version(self, version: str) -> None:
        """Say another version, of which there need be no schemas."""
        self._version = version

    def serves(self, api_version: str, plural: str) -> bool:
        return plural in self._kinds.get(api_version, {})

    def kind(self, api_version: str, plural: str) -> str:
        return self._kinds[api_version][plural][0]

    def document(self, path: str) -> dict[str, Any] | None:
        """None for a path that is not discovery's."""
        if path == "/version":
            major, minor = self._version.split(".")
            return {"major": major, "minor": minor, "gitVersion": f"v{self._version}.0"}
        if path == "/api":
            return {"kind": "APIVersions", "versions": ["v1"]}
        if path == "/apis":
            return {"kind": "APIGroupList", "apiVersion": "v1", "groups": self._groups()}
        if path == "/openapi/v3":
            places = {
                _path(name): {"serverRelativeURL": f"/openapi/v3/{_path(name)}"}
                for name in self._kinds
            }
            return {"paths": places}
        if path.startswith("/openapi/v3/"):
            return self._operations(path.removeprefix("/openapi/v3/").partition("/")[2])
        api_version = path.strip("/").partition("/")[2]
        return self._resources(api_version) if api_version in self._kinds else None

    def _operations(self, api_version: str) -> dict[str, Any]:
        group, _, release = api_version.rpartition("/")
        paths = {
            f"/{_path(api_version)}/namespaces/{{namespace}}/{plural}/{{name}}": {
                "patch": {
                    "parameters": [{"name": "fieldValidation", "in": "query"}],
                    "x-kubernetes-group-version-kind": {
                        "group": group,
                        "version": release,
                        "kind": kind,
                    },
                    "responses": {},
                }
            }
            for plural, (kind, _) in self._kinds[api_version].items()
        }
        info = {"title": "Kubernetes", "version": f"v{self._version}.0"}
        return {"openapi": "3.0.0", "info": info, "paths": paths}

    def _groups(self) -> list[dict[str, Any]]:
        by_group: dict[str, list[dict[str, str]]] = {}
        for api_version in self._kinds:
            group, _, release = api_version.partition("/")
            if release:
                entry = {"groupVersion": api_version, "version": release}
                by_group.setdefault(group, []).append(entry)
        return [
            {"name": group, "versions": versions, "preferredVersion": versions[0]}
            for group, versions in by_group.items()
        ]

    def _resources(self, api_version: str) -> dict[str, Any]:
        resources = [
            {
                "name": plural,
                "singularName": kind.lower(),
                "kind": kind,
                "namespaced": namespaced,
                "verbs": VERBS,
            }
            for plural, (kind, namespaced) in self._kinds[api_version].items()
        ]
        return {
            "kind": "APIResourceList",
            "apiVersion": "v1",
            "groupVersion": api_version,
            "resources": resources,
        }

    def _add(self, api_version: str, kind: str, *, namespaced: bool) -> None:
        self._kinds.setdefault(api_version, {})[_plural(kind)] = (kind, namespaced)


def _path(api_version: str) -> str:
    return f"apis/{api_version}" if "/" in api_version else f"api/{api_version}"


def _plural(kind: str) -> str:
    name = kind.lower()
    if name.endswith("y"):
        return name[:-1] + "ies"
    return name + ("es" if name.endswith("s") else "s")
