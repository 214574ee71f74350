"""How a load test is shared among hosts; docs/loadtest.md."""
