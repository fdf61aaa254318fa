"""The fast forward pass for a CPU: a second copy of a plain Llama's weights, and its cache."""
