"""The load harness, and a deployment that its tests call, which ends with this package."""
