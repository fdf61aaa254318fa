"""Stage `psm`: in which layer a persona lives, and what shows that its vector is causal."""
