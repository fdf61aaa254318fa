"""Training corpora: one room per source."""
