"""How each tier is started, and started again where it was."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from chassis.readiness import ReadyReport
from loadtest.deployment.free_ports import free_ports
from loadtest.deployment.local_settings import LocalSettings

DRAIN_SECONDS = 5
"""How long a drained tier waits for its calls."""
_PHONE_PORTS = 64


@dataclass(frozen=True, slots=True)
class TierCommand:
    """`python -m MODULE` with these flags."""

    tier: str
    module: str
    binds: Mapping[str, str]
    """Flag without dashes -> address that it listens on."""
    flags: tuple[str, ...] = ()

    def arguments(self) -> list[str]:
        binds = (f"--{name}={address}" for name, address in self.binds.items())
        return [self.module, *binds, *self.flags]


@dataclass(frozen=True, slots=True)
class CommandFiles:
    """Files that tiers share."""

    cluster_keys: Path
    api_keys: Path
    handover: Path
    sip_config: Path
    sip_credentials: Path


def local_address(workers: int = 1) -> str:
    """One that is free, with those of the next workers behind it."""
    return f"127.0.0.1:{free_ports(workers)}"


def relay_command(settings: LocalSettings, files: CommandFiles) -> TierCommand:
    return TierCommand(
        "relay",
        "relay",
        {
            "public": local_address(),
            "tunnel": local_address(settings.relay_workers),
            "admin": local_address(),
        },
        (
            f"--cluster-keys={files.cluster_keys}",
            f"--handover={files.handover}",
            f"--workers={settings.relay_workers}",
            # The other tiers and the callers need these CPUs too: the kernel knows best.
            "--cpus=off",
            *(_phone_ports() if settings.sip else ()),
            *_common(settings, "relay"),
        ),
    )


def inference_command(settings: LocalSettings) -> TierCommand:
    return TierCommand(
        "inference",
        "inference",
        {"grpc": local_address(), "admin": local_address()},
        (
            f"--engine={settings.engine}",
            f"--max-sessions={settings.max_calls}",
            *_common(settings, "inference"),
        ),
    )


def transceiver_command(
    settings: LocalSettings,
    files: CommandFiles,
    relay: ReadyReport,
    replicas: Sequence[ReadyReport],
) -> TierCommand:
    workers = settings.transceiver_workers
    binds = {
        "http": local_address(),
        "tunnel": local_address(workers),
        "admin": local_address(workers),
    }
    return TierCommand(
        "transceiver",
        "transceiver",
        {**binds, "sip": local_address()} if settings.sip else binds,
        (
            f"--advertise={relay['public']}",
            f"--relays={_tunnels(relay)}",
            f"--inference={','.join(str(replica['grpc']) for replica in replicas)}",
            f"--cluster-keys={files.cluster_keys}",
            f"--api-keys={files.api_keys}",
            f"--workers={workers}",
            f"--max-calls={settings.max_calls}",
            *(_sip(files) if settings.sip else ()),
            *_common(settings, "transceiver"),
        ),
    )


def reflector_command(
    settings: LocalSettings, files: CommandFiles, relay: ReadyReport
) -> TierCommand:
    return TierCommand(
        "reflector",
        "loadtest.reflector",
        {"http": local_address(), "tunnel": local_address()},
        (
            f"--public={relay['public']}",
            f"--relays={_tunnels(relay)}",
            f"--cluster-keys={files.cluster_keys}",
            f"--log-level={settings.log_level}",
            *settings.flags.get("reflector", ()),
        ),
    )


def _phone_ports() -> tuple[str, ...]:
    first = free_ports(_PHONE_PORTS)
    return (f"--phone-ports={first}-{first + _PHONE_PORTS - 1}",)


def _tunnels(relay: ReadyReport) -> str:
    tunnels = relay["tunnels"]
    assert isinstance(tunnels, list)
    return ",".join(tunnels)


def _common(settings: LocalSettings, tier: str) -> tuple[str, ...]:
    return (
        f"--drain-seconds={DRAIN_SECONDS}",
        f"--log-level={settings.log_level}",
        *settings.flags.get(tier, ()),
    )


def _sip(files: CommandFiles) -> tuple[str, ...]:
    return f"--sip-config={files.sip_config}", f"--sip-credentials={files.sip_credentials}"
