"""A regulator's part: its officers' shares, the evidence that they open, openings that others check."""
