"""Load tests: how many calls a deployment holds with every frame on schedule, what breaks first.

Callers share no code with the tiers that they test, so that a mistake in one is not made in
both: of ours they import `antiphon_proto.realtime`, the types of the API's events, alone.

A run: `scenario` says what is to happen, and plans each call of it before the first one starts
(an open loop: what the server does changes nothing about when calls come). `coordinator` hands
the plan to `worker` processes by gRPC. A worker has a `callers` fleet for each kind of caller,
which places calls and notes in `measures` what comes back. Each second's measures go to the
coordinator, which merges them into a `result`; `verdict` holds it to the scenario's service
levels, and `report` draws it.

`deployment` runs the tiers on this machine, where none is there to be tested; `faults` breaks
them on schedule; `reflector` is the far side of calls that end behind a relay alone; `capacity`
searches, models and simulates how much fits.
"""
