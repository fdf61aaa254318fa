"""Capture activations, build persona vectors, add them back."""
