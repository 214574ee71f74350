"""Source of a program that stands in for a tier: it notes its flags, and can report."""

TIER = """
import json, os, pathlib, signal, sys
tier = pathlib.Path(__file__)
flags = dict(argument.removeprefix("--").split("=", 1) for argument in sys.argv[1:])
starts = tier.with_suffix(".starts")
with starts.open("a") as file:
    file.write(json.dumps({"pid": os.getpid(), **flags}) + "\\n")
REPORTS = {
    "relay": {"public": "127.0.0.1:1003", "tunnels": ["127.0.0.1:1004"], "admin": "127.0.0.1:1"},
    "inference": {"grpc": "127.0.0.1:1005", "engine": flags.get("engine"), "admin": "127.0.0.1:2"},
    "transceiver": {
        "http": "127.0.0.1:1006", "tunnels": ["127.0.0.1:1007"], "admins": ["127.0.0.1:3"],
    },
}
def ready():
    with os.fdopen(int(flags["ready-fd"]), "w") as pipe:
        json.dump(REPORTS[tier.stem], pipe)
"""
RUNS = TIER + "ready()\nsignal.pause()\n"
