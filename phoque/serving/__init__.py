"""The conditions of a run as an OpenAI-compatible chat API."""
