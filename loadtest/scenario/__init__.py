"""What is to happen in a run, as people write it and as callers carry it out."""
