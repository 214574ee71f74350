"""A deployment's own reports tell Prometheus whom to scrape, and by which names."""

from types import SimpleNamespace

import yaml

from deploy.grafana.screenshot import configuration
from tests.deploy.prometheus_server import needs_prometheus, promtool

LOG = [
    'INFO antiphon.deployment: relay is ready: {"public": "0.0.0.0:3478", "admin": "127.0.0.1:1"}',
    'INFO antiphon.deployment: inference is ready: {"grpc": "127.0.0.1:9", "admin": "127.0.0.1:2"}',
    "INFO inference.server: serving trunks on 127.0.0.1:9 with echo",
    'INFO antiphon.deployment: inference is ready: {"grpc": "127.0.0.1:8", "admin": "127.0.0.1:3"}',
    "INFO antiphon.deployment: transceiver is ready: "
    '{"http": "127.0.0.1:8080", "admins": ["127.0.0.1:4", "127.0.0.1:5"]}',
]


def test_every_process_is_scraped_as_the_pod_that_it_would_be() -> None:
    read = yaml.safe_load(configuration(SimpleNamespace(log=LOG)))
    scraped = {
        (job["job_name"], target["labels"]["pod"]): target["targets"]
        for job in read["scrape_configs"]
        for target in job["static_configs"]
    }
    assert scraped == {
        ("antiphon-relay", "relay-0"): ["127.0.0.1:1"],
        ("antiphon-inference", "inference-0"): ["127.0.0.1:2"],
        ("antiphon-inference", "inference-1"): ["127.0.0.1:3"],
        ("antiphon-transceiver", "transceiver-0"): ["127.0.0.1:4", "127.0.0.1:5"],
    }


@needs_prometheus
def test_prometheus_takes_it(tmp_path) -> None:
    (tmp_path / "prometheus.yml").write_text(configuration(SimpleNamespace(log=LOG)))
    promtool("check", "config", "prometheus.yml", directory=tmp_path)
