"""What makes a loop over thousands of sockets cheap: numba, and libc's calls for it."""
