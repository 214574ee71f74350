"""What every tier's process does alike: settings, logs, health, readiness.

Holds no voice or network logic; anything about calls belongs to a tier, and
anything about bytes between processes to `antiphon_proto`.
"""
