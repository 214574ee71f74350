"""The metrics of those engines that have some of their own."""

from prometheus_client.registry import Collector

from inference.engine import Engine


def engine_collector(engine: Engine) -> Collector | None:
    """What a process registers for an engine that it serves."""
    if engine.name != "native":
        return None
    from inference.engines.native.engine import NativeEngine
    from inference.engines.native.metrics import NativeCollector

    assert isinstance(engine, NativeEngine), "another engine has its name"
    return NativeCollector(engine.counters)
