"""Settings of `antiphon up`."""

from dataclasses import dataclass, field

from antiphon.advertised_address import parse_advertise
from chassis.host_port import HostPort
from chassis.logs import LogFormat, log_format, log_level
from chassis.settings import SettingError, positive, setting, switch

ENGINES = ("cascade", "echo", "native")


MODEL_SERVERS = ("llm", "asr", "tts")
"""Kinds of model servers, each with a URL, a model and maybe a key of its own."""

ASR_PROTOCOLS = ("transcriptions", "realtime")


def asr_protocol(text: str) -> str:
    """Raises ValueError for an unknown one."""
    if text not in ASR_PROTOCOLS:
        raise ValueError(f"expected {' or '.join(ASR_PROTOCOLS)}, not {text!r}")
    return text


def engine(text: str) -> str:
    """An engine's name. Raises ValueError for an unknown one."""
    if text not in ENGINES:
        raise ValueError(f"expected {' or '.join(ENGINES)}, not {text!r}")
    return text


def http_url(text: str) -> str:
    """Raises ValueError unless it is an http or https URL."""
    if not text.startswith(("http://", "https://")):
        raise ValueError(f"expected http://... or https://..., not {text!r}")
    return text


def filled(text: str) -> str:
    """Raises ValueError for a blank value."""
    if not text.strip():
        raise ValueError("must not be empty")
    return text.strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class UpSettings:
    """Runs relay, inference and transceiver on this machine, and restarts what dies."""

    http: HostPort = setting(
        HostPort("127.0.0.1", 8080),
        parse=HostPort.parse,
        help="address of the Realtime API and the playground page",
    )
    tls: bool = switch(
        help="serve them over https by a self-signed certificate, made once for this machine"
    )
    tls_certificate: str | None = setting(
        None, parse=filled, help="PEM file with a certificate chain, instead of --tls"
    )
    tls_key: str | None = setting(None, parse=filled, help="PEM file with its key")
    relay: HostPort = setting(
        HostPort("0.0.0.0", 3478),  # noqa: S104 - the public port is meant to be public
        parse=HostPort.parse,
        help="address of the public UDP port that carries all media",
    )
    advertise: HostPort | None = setting(
        None,
        parse=parse_advertise,
        help="ADDRESS or ADDRESS:PORT that clients send media to; else --relay's address, "
        "or this machine's primary one",
    )
    sip: HostPort | None = setting(
        None,
        parse=HostPort.parse,
        help="address for SIP phones and trunks, by UDP and by TCP; off by default",
    )
    sip_tls: HostPort | None = setting(
        None, parse=HostPort.parse, help="address for SIP over TLS, by the certificate of https"
    )
    sip_advertise: str | None = setting(
        None,
        parse=filled,
        help="HOST or HOST:PORT by which SIP peers reach --sip; else --advertise's address",
    )
    sip_config: str | None = setting(
        None, parse=filled, help="TOML file with SIP trunks and the dial plan"
    )
    sip_credentials: str | None = setting(
        None, parse=filled, help="file with the users and passwords of SIP phones"
    )
    phone_ports: str | None = setting(
        None,
        parse=filled,
        help="the relay's UDP ports for SIP phones behind NAT without ICE, one a call: FIRST-LAST, "
        "or a number of any ports; else 16 with --sip",
    )
    workers: int = setting(1, parse=positive, help="transceiver worker processes, one a core")
    inference_replicas: int = setting(
        1, parse=positive, help="inference processes: calls go on when one of several dies"
    )
    relay_workers: int = setting(1, parse=positive, help="relay worker processes, one a core")
    engine: str = setting(
        "cascade",
        parse=engine,
        help="what answers calls that name no engine: cascade, echo or native",
    )
    native_model: str | None = setting(
        None,
        parse=filled,
        help="Moshi-class model of the native engine: a directory, or an id on Hugging Face",
    )
    native_device: str = setting("cuda", parse=filled, help="where it runs: cuda, cuda:1 or cpu")
    native_slots: int = setting(16, parse=positive, help="its calls at once")
    llm_url: str | None = setting(
        None, parse=http_url, help="OpenAI-compatible endpoint that thinks for the cascade"
    )
    llm_model: str | None = setting(None, parse=filled, help="model to ask for at --llm-url")
    llm_api_key: str | None = field(
        default=None,
        repr=False,
        metadata={"parse": filled, "help": "key for --llm-url; better given as the variable"},
    )
    asr_url: str | None = setting(
        None, parse=http_url, help="OpenAI-compatible server that recognises speech for the cascade"
    )
    asr_model: str | None = setting(None, parse=filled, help="model to ask for at --asr-url")
    asr_protocol: str = setting(
        "transcriptions",
        parse=asr_protocol,
        help="how to ask --asr-url: transcriptions, or realtime (vLLM's WebSocket)",
    )
    asr_api_key: str | None = field(
        default=None,
        repr=False,
        metadata={"parse": filled, "help": "key for --asr-url; better given as the variable"},
    )
    tts_url: str | None = setting(
        None, parse=http_url, help="OpenAI-compatible server that speaks for the cascade"
    )
    tts_model: str | None = setting(None, parse=filled, help="model to ask for at --tts-url")
    tts_voice: str | None = setting(
        None, parse=filled, help="its voice; else the one that a session names"
    )
    tts_api_key: str | None = field(
        default=None,
        repr=False,
        metadata={"parse": filled, "help": "key for --tts-url; better given as the variable"},
    )
    api_key: str | None = field(
        default=None,
        repr=False,
        metadata={"parse": filled, "help": "key that callers must show; else one is made"},
    )
    admin: HostPort | None = setting(
        None,
        parse=HostPort.parse,
        help="first admin address: relay, then inference, then transceiver workers take the "
        "ports from here; port 0 any; else from 127.0.0.1 and the port after --http's",
    )
    log_level: str = setting("warning", parse=log_level, help="debug, info, warning or error")
    log_format: LogFormat = setting(
        LogFormat.TEXT, parse=log_format, help="of the log's lines: text or json"
    )

    def __post_init__(self) -> None:
        if self.engine == "native" and self.native_model is None:
            raise SettingError("--engine native needs --native-model")
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise SettingError("--tls-certificate and --tls-key need one another")
        if self.tls and self.tls_certificate is not None:
            raise SettingError("--tls makes a certificate: leave it out beside --tls-certificate")
        if self.sip_tls is not None and not self.https:
            raise SettingError("--sip-tls needs --tls, or --tls-certificate and --tls-key")
        for kind in MODEL_SERVERS:
            if (getattr(self, f"{kind}_url") is None) != (getattr(self, f"{kind}_model") is None):
                raise SettingError(f"--{kind}-url and --{kind}-model need one another")
        if self.admin_bind(self.workers + self.inference_replicas).port > 65535:
            raise SettingError("--admin (else --http) leaves no ports for the admin addresses")

    @property
    def serves_sip(self) -> bool:
        return self.sip is not None or self.sip_tls is not None

    @property
    def https(self) -> bool:
        return self.tls or self.tls_certificate is not None

    def admin_bind(self, index: int) -> HostPort:
        """The admin address of process `index`: 0 relay, 1 inference, 2.. transceiver workers,
        and behind them the other replicas of inference."""
        if self.admin is not None:
            first = self.admin
        else:
            first = HostPort("127.0.0.1", self.http.port + 1 if self.http.port else 0)
        return HostPort(first.host, first.port + index if first.port else 0)
