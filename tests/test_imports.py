"""Which package may import which, and what only shells may touch."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TIERS = ("relay", "transceiver", "inference")
SHARED = ("antiphon_proto", "chassis")
OURS = (*SHARED, *TIERS, "antiphon", "loadtest")

MAY_IMPORT = {
    "antiphon_proto": set[str](),
    "chassis": set[str](),
    "antiphon": {*SHARED},
    "loadtest": {*SHARED},
    **{tier: {*SHARED} for tier in TIERS},
}

OUTSIDE_WORLD = {"asyncio", "grpc", "prometheus_client", "socket", "time", "torch"}
"""What a core has no need of: it takes bytes, addresses, the time and randomness as arguments."""

SHELLS = {
    "antiphon_proto": ["inference/v1/*", "loadtest/v1/*"],
    "relay": [
        "admin_port",
        "cluster_key_metrics",
        "handover",
        "handover_channel",
        "handover_listener",
        "fast/path",
        "metrics",
        "sockets",
        "supervisor",
        "worker",
        "worker_link",
        "worker_process",
        "workers",
        "cluster_lookup",
        "introductions",
        "successors",
    ],
    "transceiver": [
        "__main__",
        "audio_metrics",
        "cluster_key_metrics",
        "leased_port_metrics",
        "inference_client",
        "kernel_timer",
        "known_relays",
        "mcp/__main__",
        "mcp/child",
        "mcp/client",
        "mcp/connection",
        "mcp/guarded_http",
        "mcp/message_stream",
        "mcp/metrics",
        "mcp/server_connections",
        "mcp/server_session",
        "media_loop",
        "metric_families",
        "metrics",
        "regions/metrics",
        "replica_pool",
        "resumption/peer_keeper",
        "resumption/redis_keeper",
        "resumption/snapshot_keeping",
        "resumption_metrics",
        "replica_metrics",
        "signaling/http",
        "signaling/request_body",
        "signaling/running_requests",
        "signaling/websocket_connection",
        "signaling/websocket_forwarding",
        "sip/access_metrics",
        "sip/datagrams",
        "sip/dns_records",
        "sip/outgoing",
        "sip/sip_metrics",
        "sip/streams",
        "sip/websocket",
        "sip/worker_link",
        "sip_calls/leased_door",
        "sockets",
        "supervisor",
        "thread_clock",
        "trunk_connection",
        "tunnel_endpoint",
        "webhooks/metrics",
        "webhooks/sender",
        "worker",
        "worker_orders",
        "worker_outgoing",
        "worker_regions",
        "worker_resumption",
        "worker_signaling",
        "worker_sip",
        "worker_sip_calls",
        "worker_tunnel",
    ],
    "inference": [
        "__main__",
        "engines/brain_sources",
        "engines/cascade/answer",
        "engines/cascade/asr_worker",
        "engines/cascade/brain/chat",
        "engines/cascade/brain/delegating",
        "engines/cascade/draft",
        "engines/cascade/engine",
        "engines/cascade/floor",
        "engines/cascade/recogniser",
        "engines/cascade/servers/metrics",
        "engines/cascade/servers/realtime_transcription",
        "engines/cascade/servers/remote_utterance",
        "engines/cascade/servers/speech_server",
        "engines/cascade/servers/transcription_server",
        "engines/cascade/session",
        "engines/cascade/speaker",
        "engines/cascade/synthesiser",
        "engines/cascade/tts_worker",
        "engines/cascade/turn_detection/turn_judge",
        "engines/cascade/work_metrics",
        "engines/cascade/worker_process",
        "engines/collectors",
        "engines/native/engine",
        "engines/native/int8_linear",
        "engines/native/metrics",
        "engines/native/model_worker",
        "engines/native/moshi_batch",
        "metrics",
        "model_server/http_client",
        "model_server/metrics",
        "server",
        "servicer",
    ],
    "loadtest": [
        "callers/call_outcome",
        "callers/fleet",
        "callers/media_socket",
        "callers/own_address",
        "callers/relay/call_sockets",
        "callers/relay/fleet",
        "callers/relay/loop_runner",
        "callers/relay/relay_call",
        "callers/relay/session_pool",
        "callers/sip/fleet",
        "callers/sip/media_line",
        "callers/sip/signaling",
        "callers/webrtc/call",
        "callers/webrtc/call_events",
        "callers/webrtc/caller",
        "callers/webrtc/event_channel",
        "callers/webrtc/fleet",
        "callers/webrtc/network_path",
        "callers/webrtc/pace",
        "callers/websocket/call",
        "callers/websocket/connection",
        "callers/websocket/fleet",
        "commands/capacity",
        "commands/run",
        "commands/simulate",
        "commands/worker",
        "compiled/message_batch",
        "coordinator/coordinator",
        "coordinator/local_workers",
        "coordinator/run_watch",
        "coordinator/server",
        "coordinator/servicer",
        "deployment/child_process",
        "deployment/free_ports",
        "deployment/local_deployment",
        "deployment/part",
        "deployment/process_use",
        "faults/operator_command",
        "faults/schedule",
        "interruption",
        "reflector/reflector",
        "reflector/tunnel_end",
        "reported_run",
        "run",
        "third_party/aiortc_echo",
        "worker/driver",
        "worker/run_worker",
        "worker/ticker",
    ],
}
"""The modules that touch the outside world; every other module of these packages is a core."""


def directory(package: str) -> Path:
    return ROOT / "proto" / package if package == "antiphon_proto" else ROOT / package


def modules(package: str) -> Iterator[Path]:
    return directory(package).rglob("*.py")


def imports(module: Path) -> Iterator[str]:
    """The full names of the modules that a file imports, at any depth of its code."""
    for node in ast.walk(ast.parse(module.read_text(), module.name)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{module}: relative import"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def touched(module: Path) -> set[str]:
    return {name.partition(".")[0] for name in imports(module)} & OUTSIDE_WORLD


def is_shell(package: str, module: Path) -> bool:
    relative = module.relative_to(directory(package)).with_suffix("")
    return any(relative.match(pattern) for pattern in SHELLS[package])


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_a_package_imports_only_what_it_may(package: str) -> None:
    allowed = MAY_IMPORT[package] | {package}
    found = {
        f"{module.relative_to(ROOT)} imports {name}"
        for module in modules(package)
        for name in imports(module)
        if name.partition(".")[0] in OURS and name.partition(".")[0] not in allowed
    }
    assert found == set()


@pytest.mark.parametrize("package", SHELLS)
def test_a_core_does_not_touch_the_outside_world(package: str) -> None:
    found = {
        f"{module.relative_to(ROOT)} imports {', '.join(sorted(touched(module)))}"
        for module in modules(package)
        if touched(module) and not is_shell(package, module)
    }
    assert found == set()


@pytest.mark.parametrize(
    ("package", "pattern"),
    [(package, pattern) for package, patterns in SHELLS.items() for pattern in patterns],
)
def test_a_shell_is_one(package: str, pattern: str) -> None:
    """Else the list of shells grows stale, and hides the next core that goes astray."""
    found = [
        m for m in modules(package) if m.relative_to(directory(package)).match(f"{pattern}.py")
    ]
    assert any(touched(module) for module in found)


def test_the_relay_needs_none_of_the_heavy_libraries() -> None:
    """Its image does without them; an import somewhere below would bring them back.

    Only `relay.fast` needs numba and numpy, and is imported where they are.
    """
    names = [f"relay.{m.stem}" for m in (ROOT / "relay").glob("*.py") if m.stem != "__main__"]
    heavy = {"aiortc", "av", "grpc", "numba", "numpy", "openai", "torch"}
    program = f"""
import importlib, sys
for name in {names}:
    importlib.import_module(name)
print(*sorted({heavy} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.stdout.strip(), done.stderr) == ("", "")


def test_callers_share_no_code_with_what_they_call() -> None:
    """A mistake in a tier's codec would else be made by both ends, and not be seen."""
    found = {
        f"{module.relative_to(ROOT)} imports {name}"
        for module in (ROOT / "loadtest" / "callers").rglob("*.py")
        for name in imports(module)
        if name.partition(".")[0] in OURS
        and name.partition(".")[0] != "loadtest"
        and not name.startswith("antiphon_proto.realtime")
    }
    assert found == set()
