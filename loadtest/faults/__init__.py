"""What goes wrong on purpose, when, and how long it took until nothing of it was left."""
