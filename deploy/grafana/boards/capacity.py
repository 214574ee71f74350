"""How much more there is room for, tier by tier, and what runs."""

from deploy.grafana.board import Board
from deploy.grafana.panels import Series, gauges, lines, number, rows

NOW = (
    number(
        "Open calls",
        "Over all transceivers.",
        "sum(antiphon_transceiver_calls{NAMESPACE})",
    ),
    number(
        "Calls that fit, by CPU",
        "Open ones, and as many more as the workers' load leaves room for, if they are alike.",
        """sum(antiphon_transceiver_calls{NAMESPACE})
        * sum(antiphon_transceiver_load_limit{NAMESPACE})
        / (sum(antiphon_transceiver_load{NAMESPACE}) > 0.05)""",
        decimals=0,
    ),
    number(
        "Sessions that fit",
        "That all inference replicas may hold.",
        "sum(antiphon_inference_capacity{NAMESPACE})",
    ),
    number(
        "Without the largest replica",
        "Sessions over the room that the other replicas have: beyond 100 % calls end when that "
        "one dies.",
        """sum(antiphon_inference_sessions{NAMESPACE})
        / (sum(antiphon_inference_capacity{NAMESPACE})
        - max(antiphon_inference_capacity{NAMESPACE}) > 0)""",
        unit="percentunit",
        colours={0.8: "yellow", 1: "red"},
        decimals=0,
        alert="AntiphonInferenceNoSpareReplica",
    ),
    number(
        "Refused for want of room",
        "Offers within an hour.",
        """sum(increase(antiphon_transceiver_calls_refused_total{NAMESPACE,
        reason=~"at_capacity|overloaded|engine_unavailable"}[1h]))""",
        colours={1: "yellow", 100: "red"},
        decimals=0,
        alert="AntiphonCallsRefused",
    ),
    number(
        "Draining",
        "Relays, transceiver workers and replicas that are about to stop.",
        """(sum(antiphon_relay_draining{NAMESPACE}) or vector(0))
        + (sum(antiphon_transceiver_draining{NAMESPACE}) or vector(0))
        + (sum(antiphon_inference_draining{NAMESPACE}) or vector(0))""",
        colours={1: "yellow"},
    ),
)

USED = (
    gauges(
        "Relays: CPU of the busiest worker",
        "Of its core.",
        Series(
            "max by (pod) (rate(antiphon_relay_cpu_seconds_total{NAMESPACE}[$__rate_interval]))",
            "{{pod}}",
        ),
        {0.6: "yellow", 0.85: "red"},
        height=6,
        alert="AntiphonRelayCpuSaturated",
    ),
    gauges(
        "Transceivers: load of the busiest worker",
        "Of what its core leaves it; beyond the limit, 80 % unless set, calls are refused.",
        Series("max by (pod) (antiphon_transceiver_load{NAMESPACE})", "{{pod}}"),
        {0.6: "yellow", 0.8: "red"},
        height=6,
        alert="AntiphonTransceiverLoaded",
    ),
    gauges(
        "Inference: sessions",
        "Of those that a replica may hold.",
        Series(
            """sum by (pod) (antiphon_inference_sessions{NAMESPACE})
            / sum by (pod) (antiphon_inference_capacity{NAMESPACE} > 0)""",
            "{{pod}}",
        ),
        {0.75: "yellow", 0.9: "red"},
        height=6,
        alert="AntiphonInferenceNearlyFull",
    ),
)

GROWTH = (
    lines(
        "Load of transceiver workers",
        "Each worker's, and the limit.",
        Series("antiphon_transceiver_load{NAMESPACE}", "{{pod}} {{instance}}"),
        Series("min(antiphon_transceiver_load_limit{NAMESPACE})", "limit"),
        unit="percentunit",
        top=1,
        alert="AntiphonTransceiverLoaded",
    ),
    lines(
        "CPU a call",
        "Of transceivers, for each open call: silent ones take less.",
        Series(
            """sum(rate(process_cpu_seconds_total{NAMESPACE}[$__rate_interval])
            and on (namespace, pod, instance) antiphon_transceiver_load{NAMESPACE})
            / (sum(antiphon_transceiver_calls{NAMESPACE}) > 0)""",
            "cores a call",
        ),
        unit="percentunit",
    ),
    lines(
        "Calls a worker",
        "Open calls of each transceiver worker.",
        Series(
            "sum by (pod, instance) (antiphon_transceiver_calls{NAMESPACE})", "{{pod}} {{instance}}"
        ),
    ),
    lines(
        "Relays: flow tables",
        "Used, of all; bound flows fill it for good.",
        Series(
            """sum by (pod) (antiphon_relay_flows{NAMESPACE})
            / sum by (pod) (antiphon_relay_flow_capacity{NAMESPACE} > 0)""",
            "{{pod}}",
        ),
        unit="percentunit",
        alert="AntiphonRelayTableNearlyFull",
    ),
    lines(
        "Relays: CPU by worker",
        "Of a core each.",
        Series(
            """sum by (pod, worker)
            (rate(antiphon_relay_cpu_seconds_total{NAMESPACE}[$__rate_interval]))""",
            "{{pod}} worker {{worker}}",
        ),
        unit="percentunit",
        top=1,
        limit=0.85,
        alert="AntiphonRelayCpuSaturated",
    ),
    lines(
        "Inference: sessions",
        "Held by all, and the room with all replicas and without the largest one.",
        Series("sum(antiphon_inference_sessions{NAMESPACE})", "sessions"),
        Series("sum(antiphon_inference_capacity{NAMESPACE})", "room"),
        Series(
            """sum(antiphon_inference_capacity{NAMESPACE})
            - max(antiphon_inference_capacity{NAMESPACE})""",
            "room without the largest",
        ),
        alert="AntiphonInferenceNoSpareReplica",
    ),
)

RUNS = (
    lines(
        "Memory",
        "Resident, of the processes that are scraped; a relay's workers and a replica's speech "
        "workers are others.",
        Series("sum by (pod) (process_resident_memory_bytes{NAMESPACE})", "{{pod}}"),
        unit="bytes",
    ),
    lines(
        "Age",
        "Since when processes run; what starts anew begins at 0.",
        Series("min by (pod) (time() - process_start_time_seconds{NAMESPACE})", "{{pod}}"),
        unit="s",
    ),
    rows(
        "Versions",
        "Processes by tier and version: two versions of a tier are an upgrade that goes on.",
        {
            "processes": Series(
                "count by (tier, version, python) (antiphon_build_info{NAMESPACE})", ""
            )
        },
        ["tier", "version", "python"],
        width=8,
    ),
)

BOARD = Board(
    name="capacity",
    title="Capacity",
    description="How much more there is room for, tier by tier, and what runs.",
    pods_of=None,
    rows={"Now": NOW, "In use": USED, "Over time": GROWTH, "What runs": RUNS},
)
