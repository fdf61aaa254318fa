"""One report from what the stages of a run wrote: figures, slide table, comparison of two runs."""
