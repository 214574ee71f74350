"""What objects of a release name is there, and is meant by the name."""

from collections.abc import Iterator
from typing import Any

from tests.deploy.k8s.release import WORKLOADS, Release, component, pod_template, selects

Item = dict[str, Any]


def by_operator(name: str, release: Release) -> bool:
    own = {item["metadata"]["labels"]["app.kubernetes.io/instance"] for item in release.objects}
    return not any(name.startswith(prefix) for prefix in own)


def named_in(volumes: list[Item], kind: str) -> Iterator[str]:
    """Names of Secrets or ConfigMaps that volumes are made of."""
    for volume in volumes:
        sources = (volume.get("projected") or {}).get("sources") or []
        for source in [volume, *sources]:
            found = source.get(kind)
            if found:
                yield found.get("secretName") or found["name"]


def test_pods_find_their_secrets_and_config_maps(release: Release) -> None:
    for name, pod in release.pods():
        for field, kind in (("secret", "Secret"), ("configMap", "ConfigMap")):
            for wanted in named_in(pod.get("volumes") or [], field):
                assert (
                    wanted in release.names(kind)
                    or wanted == "kube-root-ca.crt"
                    or by_operator(wanted, release)
                ), f"{name}: no {kind} {wanted}"


def test_mounted_items_are_keys_of_the_secrets_made(release: Release) -> None:
    made = {
        (item["kind"], item["metadata"]["name"]): set(item.get("data") or {})
        for item in release.of("Secret", "ConfigMap")
    }
    for name, pod in release.pods():
        for volume in pod.get("volumes") or []:
            for source in [volume, *((volume.get("projected") or {}).get("sources") or [])]:
                for field, kind in (("secret", "Secret"), ("configMap", "ConfigMap")):
                    entry = source.get(field) or {}
                    keys = made.get((kind, entry.get("secretName") or entry.get("name", "")))
                    asked = {item["key"] for item in entry.get("items") or []}
                    assert keys is None or asked <= keys, f"{name}: {asked} of {keys}"


def test_service_accounts_and_priority_classes_are_there(release: Release) -> None:
    for name, pod in release.pods():
        account = pod.get("serviceAccountName", "default")
        assert account == "default" or account in release.names("ServiceAccount"), name
        priority = pod.get("priorityClassName")
        assert priority is None or priority in release.names("PriorityClass"), name


def test_role_bindings_bind_what_is_there(release: Release) -> None:
    for binding in release.of("RoleBinding"):
        assert binding["roleRef"]["name"] in release.names("Role")
        for subject in binding["subjects"]:
            assert subject["name"] in release.names("ServiceAccount")


def test_roles_are_about_named_objects_only(release: Release) -> None:
    for role in release.of("Role"):
        for rule in role["rules"]:
            assert rule.get("resourceNames"), f"{role['metadata']['name']}: {rule}"
            assert "*" not in rule["resources"] + rule["verbs"]
    assert not release.of("ClusterRole", "ClusterRoleBinding")


def test_services_find_one_workload_and_its_ports(release: Release) -> None:
    templates = [(item, pod_template(item)) for item in release.of(*WORKLOADS, "Job")]
    for service in release.of("Service"):
        found = [
            (item, template)
            for item, template in templates
            if template
            and selects(
                {"matchLabels": service["spec"]["selector"]}, template["metadata"]["labels"]
            )
        ]
        assert len(found) == 1, service["metadata"]["name"]
        ((workload, template),) = found
        assert component(workload) == component(service)
        if template["spec"].get("hostNetwork"):
            continue
        listed = [port for pod in template["spec"]["containers"] for port in pod["ports"]]
        for port in service["spec"]["ports"]:
            if port["name"].startswith("phone-"):
                continue
            target = port.get("targetPort", port["port"])
            protocol = port.get("protocol", "TCP")
            assert any(
                target in (entry.get("name"), entry["containerPort"])
                and protocol == entry.get("protocol", "TCP")
                for entry in listed
            ), f"{service['metadata']['name']}: {port}"


def test_policies_budgets_and_scalers_are_about_something(release: Release) -> None:
    templates = [pod_template(item) for item in release.objects]
    labels = [template["metadata"]["labels"] for template in templates if template]
    for item in release.of("NetworkPolicy", "PodDisruptionBudget", "PodMonitor"):
        spec = item["spec"]
        selector = spec.get("podSelector") or spec["selector"]
        assert sum(selects(selector, found) for found in labels) == 1, item["metadata"]["name"]
    for item in release.of("HorizontalPodAutoscaler", "ScaledObject"):
        assert item["spec"]["scaleTargetRef"]["name"] in release.names("Deployment")


def test_a_workload_has_one_scaler_or_its_replicas(release: Release) -> None:
    scaled = [
        item["spec"]["scaleTargetRef"]["name"]
        for item in release.of("HorizontalPodAutoscaler", "ScaledObject")
    ]
    assert len(scaled) == len(set(scaled))
    for deployment in release.of("Deployment"):
        applied = deployment["metadata"]["managedFields"][0]["fieldsV1"]["f:spec"]
        assert ("f:replicas" in applied) != (deployment["metadata"]["name"] in scaled)


def test_all_carry_the_recommended_labels(release: Release) -> None:
    """https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/"""
    for item in release.objects:
        labels = item["metadata"]["labels"]
        for name in ("name", "instance", "version", "part-of", "managed-by"):
            assert labels.get(f"app.kubernetes.io/{name}"), item["metadata"]["name"]
        assert labels["app.kubernetes.io/managed-by"] == "Helm"


def test_routes_lead_to_services(release: Release) -> None:
    ports = {
        (item["metadata"]["name"], port["port"])
        for item in release.of("Service")
        for port in item["spec"]["ports"]
    }
    for route in release.of("HTTPRoute", "TCPRoute", "UDPRoute"):
        for rule in route["spec"]["rules"]:
            for backend in rule["backendRefs"]:
                assert (backend["name"], backend["port"]) in ports
