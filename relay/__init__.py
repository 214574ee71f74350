"""The relay: one public UDP port in front of every transceiver worker.

It reads the routable ufrag of a STUN check to learn who owns a call, remembers
that for the check's source address, and moves datagrams. It never decrypts
media, never answers a client, and can be restarted at any time: all it holds
can be rebuilt from the next check.
"""
