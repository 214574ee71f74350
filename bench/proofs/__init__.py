"""What the load harness proves on one machine: `make loadtest-10k`, `make loadtest-soak`."""
