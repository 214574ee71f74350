"""How each tier is started, and started again where it was."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from chassis.readiness import ReadyReport
from loadtest.deployment.local_settings import LocalSettings

ANY_PORT = "127.0.0.1:0"
DRAIN_SECONDS = 5
"""How long a drained tier waits for its calls."""


@dataclass(frozen=True, slots=True)
class TierCommand:
    """`python -m MODULE` with these flags."""

    tier: str
    module: str
    binds: Mapping[str, str]
    """Flag without dashes -> address that it listens on."""
    flags: tuple[str, ...]

    def arguments(self) -> list[str]:
        binds = (f"--{name}={address}" for name, address in self.binds.items())
        return [self.module, *binds, *self.flags]

    def rebound(self, report: ReadyReport) -> "TierCommand":
        """The command that starts it again on the addresses that it reported."""
        return replace(self, binds={name: reported(report, name) for name in self.binds})


def reported(report: ReadyReport, name: str) -> str:
    """The address under this name, or the first of several; a later worker's port follows it."""
    value = report.get(name, report.get(f"{name}s", ANY_PORT))
    return value[0] if isinstance(value, list) else str(value)


def all_reported(report: ReadyReport, name: str) -> list[str]:
    value = report.get(name, [])
    return list(value) if isinstance(value, list) else [str(value)]


@dataclass(frozen=True, slots=True)
class CommandFiles:
    """Files that tiers share."""

    cluster_keys: Path
    api_keys: Path
    handover: Path
    sip_config: Path
    sip_credentials: Path


def relay_command(settings: LocalSettings, files: CommandFiles) -> TierCommand:
    phone_ports = ("--phone-ports=64",) if settings.sip else ()
    return TierCommand(
        "relay",
        "relay",
        {"public": ANY_PORT, "tunnel": ANY_PORT, "admin": ANY_PORT},
        (
            f"--cluster-keys={files.cluster_keys}",
            f"--handover={files.handover}",
            f"--workers={settings.relay_workers}",
            # The other tiers and the callers need these CPUs too: the kernel knows best.
            "--cpus=off",
            *phone_ports,
            *_common(settings, "relay"),
        ),
    )


def inference_command(settings: LocalSettings) -> TierCommand:
    return TierCommand(
        "inference",
        "inference",
        {"grpc": ANY_PORT, "admin": ANY_PORT},
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
    replicas: list[str],
) -> TierCommand:
    """`replicas`: the gRPC addresses of inference."""
    binds = {"http": ANY_PORT, "tunnel": ANY_PORT, "admin": ANY_PORT}
    return TierCommand(
        "transceiver",
        "transceiver",
        {**binds, "sip": ANY_PORT} if settings.sip else binds,
        (
            f"--advertise={reported(relay, 'public')}",
            f"--inference={','.join(replicas)}",
            f"--cluster-keys={files.cluster_keys}",
            f"--api-keys={files.api_keys}",
            f"--workers={settings.transceiver_workers}",
            f"--max-calls={settings.max_calls}",
            *(_sip(files, relay) if settings.sip else ()),
            *_common(settings, "transceiver"),
        ),
    )


def reflector_command(
    settings: LocalSettings, files: CommandFiles, relay: ReadyReport
) -> TierCommand:
    return TierCommand(
        "reflector",
        "loadtest.reflector",
        {"http": ANY_PORT, "tunnel": ANY_PORT},
        (
            f"--public={reported(relay, 'public')}",
            f"--relays={','.join(all_reported(relay, 'tunnels'))}",
            f"--cluster-keys={files.cluster_keys}",
            f"--log-level={settings.log_level}",
            *settings.flags.get("reflector", ()),
        ),
    )


def _common(settings: LocalSettings, tier: str) -> tuple[str, ...]:
    return (
        f"--drain-seconds={DRAIN_SECONDS}",
        f"--log-level={settings.log_level}",
        *settings.flags.get(tier, ()),
    )


def _sip(files: CommandFiles, relay: ReadyReport) -> tuple[str, ...]:
    return (
        f"--relays={','.join(all_reported(relay, 'tunnels'))}",
        f"--sip-config={files.sip_config}",
        f"--sip-credentials={files.sip_credentials}",
    )
