"""SIP: phones and trunks as clients of the Realtime API (RFC 3261).

Below, messages travel by flows (`flow.py`); in the middle, transactions and dialogs; above,
calls, which see an `InviteSession`. Only listeners and the resolver know sockets.
"""
