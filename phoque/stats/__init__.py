"""Numbers with intervals: rates by prompt, paired tests, corrections."""
