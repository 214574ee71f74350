"""Kubernetes' objects as a rehearsal reads them."""

from tests.e2e.rollout.workload import Probe, Service, Workload, services, workloads

POD = {"app.kubernetes.io/component": "relay", "app.kubernetes.io/name": "antiphon"}
CONTAINER = {
    "env": [
        {"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
        {"name": "ANTIPHON_TUNNEL", "value": "$(POD_IP):40000"},
        {"name": "ANTIPHON_CPUS", "value": "$(NOBODY)"},
    ],
    "ports": [{"name": "admin", "containerPort": 8081}],
    "startupProbe": {"exec": {"command": ["test", "-e", "/tmp/ready"]}, "periodSeconds": 1},
    "readinessProbe": {"httpGet": {"path": "/readyz", "port": "admin"}, "failureThreshold": 1},
    "lifecycle": {"preStop": {"exec": {"command": ["sleep", "15"]}}},
    "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}, {"name": "keys", "mountPath": "/keys"}],
}
DEPLOYMENT = {
    "kind": "Deployment",
    "metadata": {"name": "talk-relay", "labels": POD},
    "spec": {
        "replicas": 3,
        "minReadySeconds": 5,
        "strategy": {"rollingUpdate": {"maxSurge": "25%", "maxUnavailable": 0}},
        "template": {
            "metadata": {"labels": POD},
            "spec": {
                "terminationGracePeriodSeconds": 55,
                "containers": [CONTAINER],
                "volumes": [
                    {"name": "tmp", "emptyDir": {}},
                    {"name": "keys", "secret": {"secretName": "keys"}},
                ],
            },
        },
    },
}
SERVICE = {
    "kind": "Service",
    "metadata": {"name": "talk-relay-tunnel"},
    "spec": {"selector": POD, "clusterIP": "None", "publishNotReadyAddresses": True},
}


def test_a_deployment() -> None:
    workload = workloads([SERVICE, DEPLOYMENT])["relay"]
    assert isinstance(workload, Workload)
    assert (workload.replicas, workload.max_surge, workload.max_unavailable) == (3, 1, 0)
    assert (workload.min_ready_s, workload.pre_stop_s, workload.grace_s) == (5.0, 15.0, 55.0)
    assert workload.startup == Probe("", 0, ("test", "-e", "/tmp/ready"), 1.0, 1.0, 3)
    assert workload.readiness == Probe("/readyz", 8081, (), 10.0, 1.0, 1)
    assert workload.mounts == {"/tmp": "emptyDir", "/keys": "secret"}
    assert not workload.host_network


def test_variables_refer_to_earlier_ones_and_to_the_pod() -> None:
    workload = workloads([DEPLOYMENT])["relay"]
    assert workload.variables({"status.podIP": "10.1.1.2"}) == {
        "POD_IP": "10.1.1.2",
        "ANTIPHON_TUNNEL": "10.1.1.2:40000",
        "ANTIPHON_CPUS": "$(NOBODY)",
    }


def test_a_service_selects_by_labels() -> None:
    [service] = services([SERVICE, DEPLOYMENT])
    assert service == Service("talk-relay-tunnel", POD, publishes_unready=True)
    assert service.selects({**POD, "more": "labels"})
    assert not service.selects({"app.kubernetes.io/name": "antiphon"})
