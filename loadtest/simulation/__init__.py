"""Deployments of sizes that no machine here can hold, simulated event by event.

What a call costs comes from a measured model (`loadtest.capacity`), all else from a scenario.
`engine` has the compiled core: calls come, are placed, end, break and come back. `simulation`
has what changes seldom, in Python: pods that start and die, autoscaling, samples.
"""
