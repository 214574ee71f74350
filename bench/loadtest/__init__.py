"""How many WebRTC callers of the load harness one core carries, against a far side that only
echoes."""
