"""What one runs: each folder makes one folder of a run."""
