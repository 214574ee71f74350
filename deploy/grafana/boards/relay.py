"""The public UDP port: what passes, what is dropped, and what is left of the cores."""

from deploy.grafana.board import Board
from deploy.grafana.panels import Series, gauges, lines, number
from relay.drop_advice import Severity, reasons

EXPECTED, SUSPECT = (
    "|".join(reason.value for _way, reason, advice in reasons() if advice.severity is severity)
    for severity in (Severity.EXPECTED, Severity.SUSPECT)
)
"""Reasons by the severity that docs/metrics.md gives them; all others are faults."""

NOW = (
    number(
        "Relay workers",
        "Worker processes alive; one uses one core.",
        "sum(antiphon_relay_workers{POD})",
    ),
    number(
        "Bound clients",
        "Clients whose owner is known. Every worker of a relay knows each of them.",
        'sum(max by (pod) (antiphon_relay_flows{POD, state="bound"}) '
        "/ max by (pod) (antiphon_relay_workers{POD} > 0))",
        decimals=0,
    ),
    number(
        "Packets",
        "Forwarded, both ways.",
        "sum(rate(antiphon_relay_forwarded_packets_total{POD}[$__rate_interval]))",
        unit="pps",
    ),
    number(
        "Packets of ours dropped",
        "Of calls, or of the cluster's own processes: the faults of docs/metrics.md.",
        f"""sum(rate(antiphon_relay_dropped_packets_total{{POD,
        reason!~"{EXPECTED}|{SUSPECT}"}}[5m]))""",
        unit="pps",
        colours={0.01: "yellow", 1: "red"},
        decimals=1,
        alert="AntiphonRelayFaultDrops",
    ),
    number(
        "Discarded by the kernel",
        "Datagrams for which the socket had no room, as a worker was late.",
        "sum(rate(antiphon_relay_receive_buffer_drops_total{POD}[5m]))",
        unit="pps",
        colours={0.01: "yellow", 1: "red"},
        decimals=1,
        alert="AntiphonRelayOverrun",
    ),
    number(
        "Draining",
        "Relays that are about to stop and take no new clients.",
        "sum(antiphon_relay_draining{POD})",
        colours={1: "yellow"},
    ),
)

TRAFFIC = (
    lines(
        "Packets forwarded",
        "By direction and protocol.",
        Series(
            """sum by (direction, kind)
            (rate(antiphon_relay_forwarded_packets_total{POD}[$__rate_interval])) > 0""",
            "{{direction}}, {{kind}}",
        ),
        unit="pps",
        stacked=True,
    ),
    lines(
        "Bandwidth",
        "Of these packets as clients see them, without the tunnel's headers.",
        Series(
            """sum by (direction)
            (rate(antiphon_relay_forwarded_bytes_total{POD}[$__rate_interval])) * 8""",
            "{{direction}}",
        ),
        unit="bps",
    ),
    lines(
        "Clients known",
        "Flows over all workers: bound ones an owner has announced, provisional ones are calls "
        "that begin, or somebody who tries.",
        Series("sum by (state) (antiphon_relay_flows{POD})", "{{state}}"),
        Series("sum(antiphon_relay_ssrc_bindings{POD})", "RTP sources"),
        alert="AntiphonRelayTableNearlyFull",
    ),
)

DROPS = (
    lines(
        "Faults",
        "Packets of calls or of the cluster itself. Any that stays is a fault to be found.",
        Series(
            f"""sum by (direction, reason) (rate(antiphon_relay_dropped_packets_total{{POD,
            reason!~"{EXPECTED}|{SUSPECT}"}}[$__rate_interval])) > 0""",
            "{{reason}}, {{direction}}",
        ),
        unit="pps",
        alert="AntiphonRelayFaultDrops",
    ),
    lines(
        "Suspect",
        "Scanners and attacks cause these, and so does a mistake in the set-up, such as keys that "
        "differ.",
        Series(
            f"""sum by (reason) (rate(antiphon_relay_dropped_packets_total{{POD,
            reason=~"{SUSPECT}"}}[$__rate_interval])) > 0""",
            "{{reason}}",
        ),
        unit="pps",
        alert="AntiphonRelayKeysDiffer",
    ),
    lines(
        "Expected",
        "What a public port of the internet receives.",
        Series(
            f"""sum by (reason) (rate(antiphon_relay_dropped_packets_total{{POD,
            reason=~"{EXPECTED}"}}[$__rate_interval])) > 0""",
            "{{reason}}",
        ),
        unit="pps",
        alert="AntiphonRelayFlood",
    ),
)

CORES = (
    gauges(
        "CPU of the busiest worker",
        "Of its core. Beyond 85 % packets begin to be lost in bursts.",
        Series(
            "max by (pod) (rate(antiphon_relay_cpu_seconds_total{POD}[$__rate_interval]))",
            "{{pod}}",
        ),
        {0.6: "yellow", 0.85: "red"},
        alert="AntiphonRelayCpuSaturated",
    ),
    lines(
        "CPU a packet",
        "Of the workers, over all packets forwarded. It falls as traffic grows and batches with "
        "it.",
        Series(
            """sum by (pod) (rate(antiphon_relay_cpu_seconds_total{POD}[$__rate_interval]))
            / sum by (pod)
            (rate(antiphon_relay_forwarded_packets_total{POD}[$__rate_interval]) > 0)""",
            "{{pod}}",
        ),
        unit="s",
    ),
    lines(
        "Batching",
        "Datagrams taken from a socket at one go, and frames in a datagram to owners: means.",
        Series(
            """sum(rate(antiphon_relay_batch_datagrams_sum{POD}[$__rate_interval]))
            / (sum(rate(antiphon_relay_batch_datagrams_count{POD}[$__rate_interval])) > 0)""",
            "datagrams at one go",
        ),
        Series(
            """sum(rate(antiphon_relay_forwarded_packets_total{POD, direction="to_owner"}
            [$__rate_interval])) / (sum(rate(
            antiphon_relay_tunnel_datagrams_sent_total{POD}[$__rate_interval])) > 0)""",
            "frames a datagram",
        ),
    ),
    lines(
        "Left to Python",
        "Datagrams that the compiled loop does not decide: checks of new clients, and control "
        "frames.",
        Series(
            "sum by (pod) (rate(antiphon_relay_punted_datagrams_total{POD}[$__rate_interval]))",
            "{{pod}}",
        ),
        unit="pps",
    ),
    lines(
        "Moderation",
        "How long the slowest worker lets packets gather before it looks, at present.",
        Series("max by (pod) (antiphon_relay_moderation_seconds{POD})", "{{pod}}"),
        unit="s",
    ),
    lines(
        "Processes",
        "Workers started again, and those without the compiled loop.",
        Series(
            "sum by (pod) (increase(antiphon_relay_worker_restarts_total{POD}[5m]))",
            "restarts, {{pod}}",
        ),
        Series("sum by (pod) (1 - antiphon_relay_fast_path{POD})", "plain Python, {{pod}}"),
        alert="AntiphonRelayWorkerCrashing",
    ),
)

OWNERS = (
    lines(
        "Relay workers, as transceivers see them",
        "Known ones, and those that answer probes; the least of any transceiver.",
        Series("min(antiphon_transceiver_relay_workers{NAMESPACE})", "known"),
        Series("min(antiphon_transceiver_relay_workers_answering{NAMESPACE})", "answering"),
        alert="AntiphonRelayWorkersSilent",
    ),
    lines(
        "Probes",
        "From a transceiver's probe to a relay worker's answer, with the wait for the event loop.",
        Series(
            """histogram_quantile(0.5, sum by (le)
            (rate(antiphon_transceiver_relay_probe_seconds_bucket{NAMESPACE}[$__rate_interval])))""",
            "p50",
        ),
        Series(
            """histogram_quantile(0.99, sum by (le)
            (rate(antiphon_transceiver_relay_probe_seconds_bucket{NAMESPACE}[$__rate_interval])))""",
            "p99",
        ),
        unit="s",
        alert="AntiphonRelayUnreachable",
    ),
    lines(
        "Announcements",
        "Bindings that transceivers tell relay workers; many by new_epoch follow a relay's "
        "restart.",
        Series(
            """sum by (occasion)
            (rate(antiphon_transceiver_announcements_total{NAMESPACE}[$__rate_interval]))""",
            "{{occasion}}",
        ),
        unit="cps",
    ),
    lines(
        "Checks authenticated, by key",
        "By the config id of the cluster's key. An id that stays at 0 is out of use.",
        Series(
            """sum by (config_id)
            (rate(antiphon_relay_checks_verified_total{POD}[$__rate_interval])) > 0""",
            "key {{config_id}}",
        ),
        unit="cps",
        width=6,
    ),
    lines(
        "Keys",
        "Relays that have a cluster key, by its fingerprint; what transceivers mint with must be "
        "among them.",
        Series(
            """count by (fingerprint) (count by (fingerprint, pod)
            (antiphon_relay_cluster_key_info{POD}))""",
            "relays: {{fingerprint}}",
        ),
        Series(
            """count by (fingerprint) (count by (fingerprint, pod)
            (antiphon_transceiver_cluster_key_info{NAMESPACE, use="mint"}))""",
            "transceivers mint: {{fingerprint}}",
        ),
        width=6,
        alert="AntiphonClusterKeyUnknown",
    ),
    lines(
        "Phone ports",
        "For SIP phones behind NAT.",
        Series("sum by (state) (antiphon_relay_phone_ports{POD})", "{{state}}"),
        stacked=True,
        width=6,
        alert="AntiphonPhonePortsExhausted",
    ),
    lines(
        "Tunnel datagrams that transceivers drop",
        "By what is wrong with them. Tags and MACs that are wrong mean keys that differ.",
        Series(
            """sum by (fault)
            (rate(antiphon_transceiver_tunnel_faults_total{NAMESPACE}[$__rate_interval])) > 0""",
            "{{fault}}",
        ),
        unit="pps",
        width=6,
        alert="AntiphonRelayKeysDiffer",
    ),
)

OTHER_CLUSTERS = (
    lines(
        "In transit",
        "Tunnel datagrams sent on between this cluster's owners and other clusters' relays.",
        Series(
            "sum by (to) (rate(antiphon_relay_transit_datagrams_total{POD}[$__rate_interval]))",
            "to {{to}}",
        ),
        unit="pps",
    ),
    lines(
        "Relays of other clusters",
        "Relay workers that a worker of this cluster knows, by whether they answer: the most of "
        "any.",
        Series("max by (state) (antiphon_relay_remote_relays{POD})", "{{state}}"),
        alert="AntiphonRemoteRelaysSilent",
    ),
    lines(
        "Requests to other clusters",
        "For calls that are there, or that zones send there, by what became of them.",
        Series(
            """sum by (cluster, outcome)
            (rate(antiphon_transceiver_cluster_requests_total{NAMESPACE}[$__rate_interval])) > 0""",
            "cluster {{cluster}}, {{outcome}}",
        ),
        unit="reqps",
        alert="AntiphonOtherClusterUnreachable",
    ),
)

BOARD = Board(
    name="relay",
    title="Relay",
    description="The public UDP port: what passes, what is dropped, and what is left of the cores.",
    pods_of="antiphon_relay_workers",
    rows={
        "Now": NOW,
        "Traffic": TRAFFIC,
        "What is dropped": DROPS,
        "Cores": CORES,
        "Between relays and transceivers": OWNERS,
        "Other clusters": OTHER_CLUSTERS,
    },
    folded=frozenset({"Other clusters"}),
)
