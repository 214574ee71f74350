"""SIP: phones and trunks as clients of the Realtime API (RFC 3261). From below:

- how bytes come and go: `datagrams`, `streams` and `websocket` have the sockets, `outgoing` makes
  connections to where `location` finds a peer; `exchange` takes all that comes, and sends by flows
  (`flow`) and to next hops (`next_hop`);
- whose a message is: `message_router` by `routing_fields` and `owner_tokens`; `worker_link` takes
  it to another worker;
- what it says: `message`, `message_body`, `header_list`;
- what is done: `user_agent` has the transactions (`transactions/`), the sessions (`session`, which
  `incoming_session` and `outgoing_session` begin) and their dialogs (`dialog`);
- who may: `access` is what the operator's files say (`access_files`, `sip_config`,
  `phone_credentials`), `access_gatekeeper` judges by it (`digest_server`, `nonces`), `registrar`
  knows where phones are, `dial_plan` what becomes of a call.

Above are calls, which see an `InviteSession`, in `transceiver.sip_calls`. Only listeners and the
resolver know sockets.
"""
