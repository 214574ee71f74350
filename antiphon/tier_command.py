"""The command lines of the tiers, and how their ready reports change them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from antiphon.up_settings import MODEL_SERVERS, UpSettings
from chassis.host_port import HostPort
from chassis.readiness import ReadyReport

ANY_LOCAL_PORT = HostPort("127.0.0.1", 0)


@dataclass(frozen=True, slots=True)
class TierCommand:
    """How one tier is started: `python -m TIER` with these flags."""

    tier: str
    binds: Mapping[str, HostPort]
    """Flag name without dashes -> address that the tier listens on."""
    flags: Mapping[str, str]
    tunnels: tuple[HostPort, ...] = ()
    """Where other tiers reach its workers, once it has reported."""

    def arguments(self) -> list[str]:
        """The tier's module and its flags."""
        values = {**{name: str(bind) for name, bind in self.binds.items()}, **self.flags}
        return [self.tier, *(f"--{name}={value}" for name, value in values.items())]

    def rebound(self, report: ReadyReport) -> "TierCommand":
        """The command that starts the tier again on the addresses that it reported.

        Workers' addresses are reported as a list under the flag's plural; they can be
        asked for again only where their ports follow one another, else any will do.
        Raises ValueError for a report that lacks an address.
        """
        binds = {name: _reported(report, name) or self.binds[name] for name in self.binds}
        listed = report.get("tunnels")
        tunnels = tuple(map(HostPort.parse, listed)) if isinstance(listed, list) else ()
        return replace(self, binds=binds, tunnels=tunnels)


@dataclass(frozen=True, slots=True)
class CertificateFiles:
    """PEM files of the HTTP port's certificate."""

    certificate: str
    key: str

    def flags(self) -> dict[str, str]:
        return {"tls-certificate": self.certificate, "tls-key": self.key}


PHONE_PORTS = "16"
"""Unless told otherwise, and SIP is served: enough to try phones."""


def relay_command(settings: UpSettings, cluster_keys: Path) -> TierCommand:
    phone_ports = settings.phone_ports or (PHONE_PORTS if settings.serves_sip else None)
    return TierCommand(
        "relay",
        {"public": settings.relay, "tunnel": ANY_LOCAL_PORT, "admin": settings.admin_bind(0)},
        {
            "workers": str(settings.relay_workers),
            # The other tiers need these CPUs too: the kernel knows best.
            "cpus": "off",
            "cluster-keys": str(cluster_keys),
            **({"phone-ports": phone_ports} if phone_ports else {}),
            # Ctrl-C ends the other tiers with their calls.
            "drain-seconds": "0",
            "log-level": settings.log_level,
            "log-format": settings.log_format,
        },
    )


def inference_command(
    settings: UpSettings, model_api_keys: Mapping[str, Path], replica: int = 0
) -> TierCommand:
    """`model_api_keys`: files with the keys of those model servers that have one, by kind.

    Admin ports of other replicas than the first lie behind the transceiver's.
    """
    admin = settings.admin_bind(settings.workers + 1 + replica if replica else 1)
    flags = {
        "engine": settings.engine,
        # Ctrl-C ends the calls too.
        "drain-seconds": "0",
        "log-level": settings.log_level,
        "log-format": settings.log_format,
    }
    for kind in MODEL_SERVERS:
        url, model = getattr(settings, f"{kind}_url"), getattr(settings, f"{kind}_model")
        if url is not None and model is not None:
            flags |= {f"{kind}-url": url, f"{kind}-model": model}
    if settings.native_model is not None:
        flags["native-model"] = settings.native_model
        flags["native-device"] = settings.native_device
        flags["native-slots"] = str(settings.native_slots)
    if settings.asr_url is not None:
        flags["asr-protocol"] = settings.asr_protocol
    if settings.tts_voice is not None:
        flags["tts-voice"] = settings.tts_voice
    flags |= {f"{kind}-api-key-file": str(path) for kind, path in model_api_keys.items()}
    return TierCommand("inference", {"grpc": ANY_LOCAL_PORT, "admin": admin}, flags)


def transceiver_command(
    settings: UpSettings,
    *,
    advertise: HostPort,
    inference: Sequence[HostPort],
    relays: Sequence[HostPort] = (),
    cluster_keys: Path,
    api_keys: Path,
    certificate: CertificateFiles | None = None,
) -> TierCommand:
    """With a `certificate` it serves https."""
    tls = {} if certificate is None else certificate.flags()
    binds = {"http": settings.http, "tunnel": ANY_LOCAL_PORT, "admin": settings.admin_bind(2)}
    binds |= {
        name: bind
        for name, bind in (("sip", settings.sip), ("sip-tls", settings.sip_tls))
        if bind is not None
    }
    return TierCommand(
        "transceiver",
        binds,
        {
            "advertise": str(advertise),
            "inference": ",".join(map(str, inference)),
            **({"relays": ",".join(map(str, relays))} if relays else {}),
            "workers": str(settings.workers),
            "cluster-keys": str(cluster_keys),
            "api-keys": str(api_keys),
            # Who types Ctrl-C waits for nobody's call.
            "drain-seconds": "0",
            "log-level": settings.log_level,
            "log-format": settings.log_format,
            **tls,
            **_sip_flags(settings),
        },
    )


def _sip_flags(settings: UpSettings) -> dict[str, str]:
    values = {
        "sip-advertise": settings.sip_advertise,
        "sip-config": settings.sip_config,
        "sip-credentials": settings.sip_credentials,
    }
    return {name: value for name, value in values.items() if value is not None}


def _reported(report: ReadyReport, name: str) -> HostPort | None:
    value = report.get(name, report.get(f"{name}s"))
    if isinstance(value, str):
        return HostPort.parse(value)
    if not isinstance(value, list) or not value:
        raise ValueError(f"ready report without {name!r}")
    return _first_of_run([HostPort.parse(text) for text in value])


def _first_of_run(addresses: Iterable[HostPort]) -> HostPort | None:
    """The first address, if each next one is the same host with the next port."""
    first, *rest = addresses
    follows = all(
        address == HostPort(first.host, first.port + index)
        for index, address in enumerate(rest, start=1)
    )
    return first if follows else None
