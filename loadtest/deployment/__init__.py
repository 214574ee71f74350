"""What is tested, where the harness runs it itself: its tiers as processes of this machine."""
