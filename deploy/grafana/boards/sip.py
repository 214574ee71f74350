"""Telephones: calls, messages, who is let in, and the ports for those behind NAT."""

from deploy.grafana.board import Board
from deploy.grafana.panels import Series, lines, number

NOW = (
    number(
        "Calls",
        "Calls by SIP that are open.",
        'sum(antiphon_transceiver_calls{POD, transport="sip"})',
    ),
    number(
        "Phones",
        "Contacts registered. Workers tell each other, so the most that one knows.",
        "max(antiphon_transceiver_sip_registrations{POD})",
    ),
    number(
        "Messages",
        "In and out, requests and responses.",
        "sum(rate(antiphon_transceiver_sip_messages_total{POD}[$__rate_interval]))",
        unit="mps",
    ),
    number(
        "Wrong credentials",
        "Requests a second of somebody who guesses, or of a phone with an old password.",
        """sum(rate(antiphon_transceiver_sip_unproven_total{POD,
        reason=~"wrong|limited"}[15m]))""",
        unit="cps",
        colours={0.01: "yellow", 0.1: "red"},
        alert="AntiphonSipGuessing",
    ),
    number(
        "Defects",
        "Messages and timers within an hour that met an error of the program.",
        "sum(increase(antiphon_transceiver_sip_defects_total{POD}[1h]))",
        colours={1: "red"},
        decimals=0,
        alert="AntiphonSipDefects",
    ),
    number(
        "Phone ports left",
        "At all relays.",
        'sum(antiphon_relay_phone_ports{NAMESPACE, state="free"})',
        alert="AntiphonPhonePortsExhausted",
    ),
)

CALLS = (
    lines(
        "Calls that came in",
        "By what became of them, once they rang no more.",
        Series(
            """sum by (outcome)
            (rate(antiphon_transceiver_sip_calls_incoming_total{POD}[$__rate_interval]))""",
            "{{outcome}}",
        ),
        unit="cps",
        stacked=True,
    ),
    lines(
        "Sessions and transactions",
        "What workers keep; a transaction is kept for up to 32 s behind its end.",
        Series("sum(antiphon_transceiver_sip_sessions{POD})", "sessions"),
        Series("sum(antiphon_transceiver_sip_transactions{POD})", "transactions"),
        Series("sum(antiphon_transceiver_sip_connections{POD})", "connections"),
    ),
    lines(
        "Phone ports",
        "Of relays, for phones behind NAT: leased, free, and refused within five minutes.",
        Series("sum by (state) (antiphon_relay_phone_ports{NAMESPACE})", "{{state}}"),
        Series("sum(increase(antiphon_relay_phone_port_refusals_total{NAMESPACE}[5m]))", "refused"),
        Series(
            """sum(increase(antiphon_transceiver_port_leases_total{POD, outcome="lost"}[5m]))""",
            "lost",
        ),
        alert="AntiphonPhonePortsExhausted",
    ),
)

MESSAGES = (
    lines(
        "Requests",
        "By method and direction.",
        Series(
            """sum by (kind, direction) (rate(antiphon_transceiver_sip_messages_total{POD,
            kind=~"[A-Z]+"}[$__rate_interval])) > 0""",
            "{{kind}} {{direction}}",
        ),
        unit="mps",
        stacked=True,
    ),
    lines(
        "Responses",
        "By class and direction.",
        Series(
            """sum by (kind, direction) (rate(antiphon_transceiver_sip_messages_total{POD,
            kind=~"[1-6]xx"}[$__rate_interval])) > 0""",
            "{{kind}} {{direction}}",
        ),
        unit="mps",
        stacked=True,
    ),
    lines(
        "By transport",
        "Messages in and out.",
        Series(
            """sum by (transport)
            (rate(antiphon_transceiver_sip_messages_total{POD}[$__rate_interval])) > 0""",
            "{{transport}}",
        ),
        unit="mps",
        stacked=True,
    ),
    lines(
        "Dropped",
        "Before they were understood, by the reason; and connections.",
        Series(
            """sum by (reason) (rate(antiphon_transceiver_sip_drops_total{POD}[$__rate_interval]))
            > 0""",
            "{{reason}}",
        ),
        unit="mps",
        alert="AntiphonSipUnreachable",
    ),
    lines(
        "Not let in",
        "Requests that begin something, by the reason. A challenge is a phone's ordinary first "
        "answer.",
        Series(
            """sum by (reason)
            (rate(antiphon_transceiver_sip_unproven_total{POD}[$__rate_interval])) > 0""",
            "{{reason}}",
        ),
        unit="cps",
        alert="AntiphonSipGuessing",
    ),
    lines(
        "Without effect, handed over",
        "Messages that had neither effect nor answer, and those that belonged to another worker.",
        Series(
            """sum by (reason)
            (rate(antiphon_transceiver_sip_unheard_total{POD}[$__rate_interval])) > 0""",
            "{{reason}}",
        ),
        Series(
            "sum(rate(antiphon_transceiver_sip_handed_over_total{POD}[$__rate_interval]))",
            "handed over",
        ),
        unit="mps",
    ),
)

BOARD = Board(
    name="sip",
    title="SIP",
    description="Telephones: calls, messages, who is let in, and the ports for those behind NAT.",
    pods_of="antiphon_transceiver_load",
    rows={"Now": NOW, "Calls": CALLS, "Messages": MESSAGES},
)
