"""What a packet of a relay caller costs each process that handles it."""
