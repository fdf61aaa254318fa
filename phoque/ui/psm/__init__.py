"""What the PSM tab shows, from a run's files to strings and figures; no torch."""
