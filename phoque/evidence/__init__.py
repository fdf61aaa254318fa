"""Statistics, measures of text, the run directory."""
