"""The tiers that scenarios, models and simulations name."""

TIERS = ("relay", "transceiver", "inference")
"""In the order in which packets pass them, and of the simulation's numbers for them."""
