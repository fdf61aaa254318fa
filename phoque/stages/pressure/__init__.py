"""Pressure-test a moderation policy in a simulated channel."""
