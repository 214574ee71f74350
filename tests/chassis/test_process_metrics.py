import importlib.metadata
import time

from prometheus_client import CollectorRegistry

from chassis.process_metrics import register_process_metrics


def served(tier: str) -> CollectorRegistry:
    registry = CollectorRegistry()
    register_process_metrics(registry, tier)
    return registry


def test_the_build_is_a_sample_of_one() -> None:
    [family] = [each for each in served("relay").collect() if each.name == "antiphon_build_info"]
    [build] = family.samples
    assert build.value == 1
    assert build.labels["tier"] == "relay"
    assert build.labels["version"] == importlib.metadata.version("antiphon")


def test_the_process_says_since_when_it_runs_and_what_it_takes() -> None:
    registry = served("inference")
    assert (registry.get_sample_value("process_start_time_seconds") or 0) <= time.time()
    assert (registry.get_sample_value("process_resident_memory_bytes") or 0) > 1e6
    assert (registry.get_sample_value("process_cpu_seconds_total") or 0) > 0
