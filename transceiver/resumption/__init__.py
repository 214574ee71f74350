"""How a client that lost its connection, or its owner, goes on with its conversation."""
