"""Many sessions over WebSockets on one worker: what their events wait for, and what they cost."""
