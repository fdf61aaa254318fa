"""Where a persona lives in a model, and what shows that it is causal: one step a file."""
