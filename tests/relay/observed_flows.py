"""What a flow table holds, in a form in which two tables can be compared."""

from typing import Any

from relay.flows import Flows, FlowState


def observed_flows(flows: Flows, now: float) -> tuple[Any, ...]:
    """What lives: bound flows and SSRCs in any order, provisional flows in theirs; owners;
    and how much is held, with what ended and is not forgotten yet."""
    snapshot = flows.snapshot(now)
    clients = list(snapshot.each_flow())
    by_state = {state: [each for each in clients if each.state is state] for state in FlowState}
    return (
        *(
            sorted(by_state[state], key=lambda each: each.client)
            for state in (FlowState.BOUND, FlowState.SIGNALLED)
        ),
        by_state[FlowState.PROVISIONAL],
        sorted(snapshot.each_ssrc(), key=lambda each: each.ssrc),
        sorted(flows.owners(now)),
        (flows.bound, flows.provisional, flows.ssrcs, flows.evictions),
    )
