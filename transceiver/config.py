"""Settings of the transceiver process."""

from dataclasses import dataclass, field

from antiphon_proto.cluster_keys import ClusterKeys, Layout
from chassis.host_port import HostPort
from chassis.logs import LogFormat, log_format, log_level
from chassis.settings import SettingError, fraction, positive, setting, whole_number
from chassis.tracing.settings import TracingSettings, trace_ratio
from transceiver.audio.encoder_policy import OpusChoice
from transceiver.mcp.allowed_servers import AllowedServers
from transceiver.replica_addresses import ReplicaAddresses
from transceiver.resumption.redis_keeper import redis_url
from transceiver.signaling.api_keys import ApiKeys
from transceiver.signaling.cors import AllowedOrigins
from transceiver.sip.advertised import sip_host
from transceiver.tls import TlsFiles
from transceiver.webhooks.signature import WebhookSecrets
from transceiver.webhooks.target import WebhookTarget, webhook_url


@dataclass(frozen=True, slots=True, kw_only=True)
class TransceiverConfig(TracingSettings):
    """Owns calls: ICE, DTLS, SRTP, Opus, the conversation and the Realtime API."""

    http: HostPort = setting(
        HostPort("127.0.0.1", 8080),
        parse=HostPort.parse,
        help="address of the Realtime API and the playground",
    )
    tls_certificate: str | None = setting(
        None,
        parse=str,
        help="PEM file with the certificate chain of the Realtime API, which is then served over "
        "https; read again when it changes",
    )
    tls_key: str | None = setting(
        None, parse=str, help="PEM file with the certificate's key, without a passphrase"
    )
    tunnel: HostPort = setting(
        HostPort("127.0.0.1", 0),
        parse=HostPort.parse_concrete,
        help="address that relays (UDP) and other transceivers (TCP) reach this process at; "
        "worker I takes port + I, 0 any port",
    )
    advertise: HostPort = setting(
        parse=HostPort.parse_concrete, help="the relay's public address, as clients reach it"
    )
    inference: ReplicaAddresses = setting(
        parse=ReplicaAddresses.parse,
        help="gRPC servers of the inference replicas: HOST:PORT, several with commas between "
        "them, or dns:NAME:PORT for every address of a name",
    )
    cluster_keys: str = setting(parse=str, help="file with the cluster's keys")
    api_keys: str | None = setting(
        None, parse=str, help="file with the API keys, one a line, each with limits of its own"
    )
    api_key: str | None = field(
        default=None,
        repr=False,
        metadata={
            "parse": str,
            "help": "an API key beside those of --api-keys, as a line there; better as the "
            "variable, as every user of the machine sees flags",
        },
    )
    key_sessions: int = setting(
        0,
        parse=whole_number(0),
        help="sessions that an API key and its client secrets may have open at once on a worker, "
        "unless its line says otherwise; 0: any number",
    )
    key_requests_per_minute: int = setting(
        0,
        parse=whole_number(0),
        help="requests, responses among them, that they may have of a worker in a minute, unless "
        "its line says otherwise; "
        "0: any number",
    )
    allowed_origins: AllowedOrigins = setting(
        AllowedOrigins(),
        parse=AllowedOrigins.parse,
        help="origins whose pages may call the API, with commas between them; *: all",
    )
    webhook_url: str | None = setting(
        None,
        parse=webhook_url,
        help="where incoming SIP calls are announced to your application, by HTTP POST",
    )
    webhook_secret: WebhookSecrets | None = field(
        default=None,
        repr=False,
        metadata={
            "parse": WebhookSecrets.parse,
            "help": "whsec_... that signs these announcements, several with commas between them "
            "while one takes another's place; better as the variable, as every user of the "
            "machine sees flags",
        },
    )
    relays: ReplicaAddresses = setting(
        ReplicaAddresses(),
        parse=ReplicaAddresses.parse,
        help="tunnel addresses of relays, one of each: HOST:PORT, several with commas between "
        "them, or dns:NAME:PORT; needed for SIP, whose calls' media may begin here, while other "
        "clients make their relay known",
    )
    sip: HostPort | None = setting(
        None,
        parse=HostPort.parse,
        help="address that SIP phones and trunks reach this process at, by UDP and by TCP",
    )
    sip_tls: HostPort | None = setting(
        None,
        parse=HostPort.parse,
        help="address for SIP over TLS, by the certificate of --tls-certificate",
    )
    sip_advertise: HostPort | None = setting(
        None,
        parse=sip_host,
        help="HOST or HOST:PORT by which SIP peers reach --sip, a domain name or an address; by "
        "default --advertise's host",
    )
    sip_config: str | None = setting(
        None, parse=str, help="TOML file with SIP trunks and the dial plan; read again on changes"
    )
    sip_credentials: str | None = setting(
        None, parse=str, help="file with the users and passwords of SIP phones, one a line"
    )
    sip_tls_ca: str | None = setting(
        None,
        parse=str,
        help="PEM file with the authorities that vouch for SIP peers called over TLS; by default "
        "the system's",
    )
    cluster_id: int = setting(0, parse=whole_number(0, 255), help="this cluster's number, 0 to 255")
    zones: str | None = setting(
        None,
        parse=str,
        help="TOML file that says which relay and which clusters are best for clients from where, "
        "and where other clusters' APIs are; read again on changes",
    )
    workers: int = setting(1, parse=positive, help="worker processes, one a core")
    max_load: float = setting(
        0.8,
        parse=fraction,
        help="share of its core from which on a worker takes no more calls, so that "
        "moments in which many speak have room; 1: never mind",
    )
    mcp_servers: AllowedServers = setting(
        AllowedServers(),
        parse=AllowedServers.parse,
        help="MCP servers that sessions may use, with commas between them: *, any by https whose "
        "address is public; hosts, *.domains, addresses and networks, also by http and in private "
        "networks; none: no server",
    )
    mcp_timeout_seconds: int = setting(
        30,
        parse=positive,
        help="how long an MCP server has to list its tools, and to run one",
    )
    max_calls: int = setting(
        1000,
        parse=positive,
        help="calls that a worker takes at most, however little they load it: a bound on memory",
    )
    max_call_seconds: int = setting(3600, parse=positive, help="longest duration of a call")
    max_idle_seconds: int = setting(
        600,
        parse=whole_number(0),
        help="a call ends when for so long neither side spoke nor the client sent events; 0: never",
    )
    resume_seconds: int = setting(
        60,
        parse=whole_number(0),
        help="how long a session waits for a client that lost its connection to come again; "
        "0: it ends at once",
    )
    peers: ReplicaAddresses = setting(
        ReplicaAddresses(),
        parse=ReplicaAddresses.parse,
        help="tunnel addresses of transceivers on other hosts, which keep copies of conversations "
        "in case that this one dies: HOST:PORT, several with commas between them, or "
        "dns:NAME:PORT for every address of a name; by default its own workers do",
    )
    resume_redis: str | None = field(
        default=None,
        repr=False,
        metadata={
            "parse": redis_url,
            "help": "URL of a Redis that keeps these copies instead, while it answers: "
            "redis://, rediss:// or unix://; better as the variable where a password is in it",
        },
    )
    drain_seconds: int = setting(
        25,
        parse=whole_number(0),
        help="how long SIGTERM at most waits for the calls that are left",
    )
    opus: OpusChoice = setting(
        OpusChoice.AUTO,
        parse=OpusChoice.parse,
        help="how the agent's voice is coded: voip spares the client's path, celt the CPU; "
        "auto: voip, as long as there is CPU",
    )
    admin: HostPort = setting(
        HostPort("127.0.0.1", 8083),
        parse=HostPort.parse,
        help="address of /metrics and health; worker I takes port + I, 0 any port",
    )
    trace_ratio: float = setting(
        1.0,
        parse=trace_ratio,
        help="share of the calls that are traced, where --otlp-endpoint says whereto; a call whose "
        "client sent a traceparent is traced if that says so",
    )
    log_level: str = setting("info", parse=log_level, help="debug, info, warning or error")
    log_format: LogFormat = setting(
        LogFormat.TEXT, parse=log_format, help="of the log's lines: text or json"
    )
    ready_fd: int | None = setting(
        None, parse=whole_number(0), help="pipe on which to report readiness"
    )

    @property
    def tls(self) -> TlsFiles | None:
        """The certificate of the HTTP port, which is plain without one."""
        if self.tls_certificate is None or self.tls_key is None:
            return None
        return TlsFiles(self.tls_certificate, self.tls_key)

    @property
    def serves_sip(self) -> bool:
        """Whether phones and trunks are served, by WebSocket too."""
        return self.sip is not None or self.sip_tls is not None

    @property
    def webhook(self) -> WebhookTarget | None:
        """Where events are posted, if they are."""
        if self.webhook_url is None or self.webhook_secret is None:
            return None
        return WebhookTarget(self.webhook_url, self.webhook_secret)

    def __post_init__(self) -> None:
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise SettingError("--tls-certificate and --tls-key need one another")
        if (self.webhook_url is None) != (self.webhook_secret is None):
            raise SettingError("--webhook-url and --webhook-secret need one another")
        if self.sip_tls is not None and self.tls is None:
            raise SettingError("--sip-tls needs --tls-certificate and --tls-key")
        if not self.serves_sip and (self.sip_config or self.sip_credentials):
            raise SettingError("--sip-config and --sip-credentials need --sip or --sip-tls")

    def parse_api_keys(self, text: str) -> ApiKeys:
        """Read the API key file, and the key beside it. Raises ApiKeyError."""
        return ApiKeys([*text.splitlines(), self.api_key or ""])

    def parse_keys(self, text: str) -> ClusterKeys:
        """Read the key file. Raises ClusterKeyError, also when no line mints our ufrags."""
        keys = ClusterKeys.parse(text)
        keys.minting(Layout.IPV6 if ":" in self.tunnel.host else Layout.IPV4)
        return keys
